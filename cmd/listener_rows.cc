// SPDX-License-Identifier: Apache-2.0
// The settings of listeners and of their clients.
#include <chrono>
#include <vector>

#include "cmd/access_settings.h"
#include "cmd/dependent_settings.h"
#include "cmd/list_kinds.h"
#include "cmd/listen_settings.h"
#include "cmd/setting_kinds.h"
#include "cmd/setting_rows.h"
#include "cmd/words.h"

namespace dotcache {
namespace {

using namespace std::chrono_literals;

}  // namespace

std::vector<Setting> ListenRows() {
  return {
      RichSetting({.key = "listen",
                   .help = "Address to listen on. Without a scheme: UDP and TCP. tls:// is DNS "
                           "over TLS",
                   .value_name = "[udp://|tcp://|tls://]ADDR:PORT"},
                  ReadListen, FormatListen, {"127.0.0.1:53", "[::1]:53"}),
      SwitchSetting(
          {.key = "reuse-port",
           .help = "Start beside another instance of the same user at the same addresses"},
          [](auto& c) -> auto& { return c.server.reuse_port; }),
      FileSetting(
          {.key = "listen-cert",
           .help = "Certificate chain (PEM) for tls:// listeners, which require it"},
          [](auto& c) -> auto& { return c.server.listen_certificate_file; }),
      FileSetting(
          {.key = "listen-key", .help = "Private key (PEM) for tls:// listeners, which require it"},
          [](auto& c) -> auto& { return c.server.listen_key_file; }),
      ListSetting(
          NewSetting({.key = "allow-from",
                      .help = "Clients that are served; others get REFUSED, unless a rule of "
                              "access concerns them",
                      .default_text = "loopback, private and link-local addresses"},
                     "PREFIX", AtMost(AccessPolicy::kMaxPrefixes)),
          AccessPolicy::kMaxPrefixes, [](auto& c) -> auto& { return c.server.allow_from; },
          AddressPrefix::Parse, [](const AddressPrefix& prefix) { return prefix.ToString(); }),
      IntegerSetting(
          {.key = "max-udp-size", .help = "Largest UDP reply in octets", .yaml_only = true}, 512,
          4096, [](auto& c) -> auto& { return c.server.limits.max_udp_payload_size; }),
      WithDerivedDefault(
          DeriveRepliesPerSecond,
          IntegerSetting(
              {.key = "replies-per-second",
               .help = "UDP replies per second to one network for one question, in bursts of up to "
                       "twice as many; 0: no limit",
               .default_text = "50 if a listener is public, else 0",
               .yaml_only = true},
              0, 5000, [](auto& c) -> auto& { return c.server.reply_rate.per_second; })),
      IntegerSetting(
          {.key = "reply-slip",
           .help = "One in this many queries above replies-per-second gets a truncated reply; 0: "
                   "none",
           .yaml_only = true},
          0, 10, [](auto& c) -> auto& { return c.server.reply_rate.slip; }),
  };
}

std::vector<Setting> AccessRows() {
  return {
      RichSetting({.key = "access",
                   .help = "Rules for clients: maps of network, action, zone, listen, client-rate "
                           "and client-burst",
                   .value_name = "MAP",
                   .range = AtMost(AccessPolicy::kMaxRules),
                   .yaml_only = true},
                  ReadAccess, FormatAccess),
      IntegerSetting(
          {.key = "client-rate", .help = "Queries of one client in a second; 0: no limit"}, 0,
          kMaxClientRate, [](auto& c) -> auto& { return c.server.client_rate.rate.per_second; }),
      IntegerSetting(
          {.key = "client-burst",
           .help = "Queries of one client at once; 0: twice client-rate",
           .yaml_only = true},
          0, kMaxClientBurst, [](auto& c) -> auto& { return c.server.client_rate.rate.burst; }),
      WordSetting(
          {.key = "client-over-rate",
           .help = "What a UDP query above client-rate gets",
           .yaml_only = true},
          kOverRateWords, [](auto& c) -> auto& { return c.server.client_rate.over_udp; }),
  };
}

std::vector<Setting> StreamRows() {
  return {
      DurationSetting(
          {.key = "stream-idle-timeout",
           .help = "A client's TCP or DoT connection is closed if no complete query arrives for "
                   "this time"},
          1s, 1h, [](auto& c) -> auto& { return c.server.limits.stream_idle_timeout; }),
      IntegerSetting(
          {.key = "max-stream-connections",
           .help = "Open TCP and DoT connections of clients, in each worker",
           .yaml_only = true},
          1, kMost, [](auto& c) -> auto& { return c.server.limits.max_stream_connections; }),
      IntegerSetting(
          {.key = "handshakes-per-second",
           .help =
               "TLS handshakes per second of one client, in bursts of up to twice as many; 0: no "
               "limit"},
          0, 100'000, [](auto& c) -> auto& { return c.server.limits.handshakes_per_second; }),
      WithDerivedDefault(
          DeriveMaxStreamsPerClient,
          IntegerSetting(
              {.key = "max-streams-per-client",
               .help = "Open TCP and DoT connections of one client, in all workers together",
               .default_text = "a sixteenth of max-stream-connections, at least 16",
               .yaml_only = true},
              1, kMost, [](auto& c) -> auto& { return c.server.limits.max_streams_per_client; })),
  };
}

}  // namespace dotcache
