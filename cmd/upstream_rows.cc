// SPDX-License-Identifier: Apache-2.0
// The settings of upstream servers and of their connections.
#include <chrono>
#include <vector>

#include "cmd/list_kinds.h"
#include "cmd/outgoing_settings.h"
#include "cmd/setting_kinds.h"
#include "cmd/setting_rows.h"
#include "cmd/upstream_settings.h"
#include "cmd/words.h"

namespace dotcache {
namespace {

using namespace std::chrono_literals;

}  // namespace

std::vector<Setting> UpstreamRows() {
  return {
      RichSetting({.key = "upstream",
                   .help = "Provider to query over DNS over TLS. Its certificate must carry NAME, "
                           "or without NAME the ADDR or HOST. HOST needs --bootstrap",
                   .value_name = "PRESET|tls://ADDR|HOST[:PORT][#NAME]",
                   .range = AtMost(kMaxServersPerZone) + " servers"},
                  ReadUpstream, FormatUpstream, {"cloudflare", "quad9", "google"}),
      RichSetting({.key = "bootstrap",
                   .help = "Server that resolves the host names of upstream servers, and gets no "
                           "other query",
                   .value_name = "PRESET|udp://ADDR|tcp://ADDR|tls://ADDR[#NAME]",
                   .range = AtMost(kMaxServersPerZone) + " servers"},
                  ReadBootstrap, FormatBootstrap),
      WordSetting(
          {.key = "policy", .help = "Order in which servers are tried"}, kPolicyWords,
          [](auto& c) -> auto& { return c.server.upstream.zones.front().policy; }),
      RichSetting({.key = "zones",
                   .help = "Zones with servers of their own: maps of zone, upstream and policy",
                   .value_name = "MAP",
                   .range = AtMost(kMaxPrivateZones),
                   .yaml_only = true},
                  ReadZones, FormatZones),
      FileSetting(
          {.key = "upstream-ca",
           .help = "CA certificates (PEM) to trust for upstream servers instead of the "
                   "system's",
           .default_text = "system"},
          [](auto& c) -> auto& { return c.server.upstream_ca_file; }),
      RichSetting({.key = "upstream-source",
                   .help = "Source address of upstream connections",
                   .value_name = "ADDR",
                   .default_text = "the kernel's choice",
                   .range = "at most one IPv4 and one IPv6 address"},
                  ReadUpstreamSource, FormatUpstreamSource),
      ScalarSetting(
          NewSetting({.key = "upstream-mark",
                      .help = "Mark (SO_MARK) of upstream connections; 0 sets no mark"},
                     "N", kMarkRange),
          [](auto& c) -> auto& { return c.server.upstream.limits.outgoing.mark; }, ParseMark,
          FormatMark),
  };
}

std::vector<Setting> UpstreamTimeRows() {
  return {
      DurationSetting(
          {.key = "upstream-connect-timeout",
           .help = "Time for the TCP connect and the TLS handshake together"},
          100ms, 30s, [](auto& c) -> auto& { return c.server.upstream.limits.connect_timeout; }),
      DurationSetting(
          {.key = "upstream-idle-timeout",
           .help = "An unused upstream connection is closed after this time, or "
                   "earlier if the server announces less"},
          1s, 1h, [](auto& c) -> auto& { return c.server.upstream.limits.idle_timeout; }),
      SwitchSetting(
          {.key = "hedge",
           .help = "Query a second server too if a response is unusually late; at most "
                   "5 % more queries",
           .yaml_only = true},
          [](auto& c) -> auto& { return c.server.upstream.limits.hedge; }),
      SwitchSetting(
          {.key = "loop-check",
           .help = "Look for upstream servers that send queries back here, with test "
                   "queries to servers at private addresses"},
          [](auto& c) -> auto& { return c.server.upstream.loop_check; }),
  };
}

}  // namespace dotcache
