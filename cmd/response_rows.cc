// SPDX-License-Identifier: Apache-2.0
// The settings of responses: upstream servers, and the cache.
#include <chrono>
#include <vector>

#include "cmd/dependent_settings.h"
#include "cmd/list_kinds.h"
#include "cmd/outgoing_settings.h"
#include "cmd/setting_kinds.h"
#include "cmd/setting_rows.h"
#include "cmd/upstream_settings.h"
#include "cmd/value_parsers.h"
#include "cmd/words.h"

namespace dotcache {
namespace {

using namespace std::chrono_literals;

constexpr auto kDay = 24h;

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

std::vector<Setting> CacheRows() {
  return {
      WithDerivedDefault(DeriveCacheSize,
                         SizeSetting(
                             {.key = "cache-size",
                              .help = "Memory for cached responses; 0 switches the cache off",
                              .default_text = "64MiB, or less with little memory"},
                             kLeastCacheSize, uint64_t{1} << 40,
                             [](auto& c) -> auto& { return c.server.cache.budget_bytes; })),
      SecondsSetting(
          {.key = "cache-min-ttl",
           .help = "Shorter TTLs of positive answers are raised to this",
           .yaml_only = true},
          0s, 1h, [](auto& c) -> auto& { return c.server.cache.ttl_caps.floor; }),
      SecondsSetting(
          {.key = "cache-max-ttl",
           .help = "Longest time a response is cached, and highest TTL in replies",
           .yaml_only = true},
          1s, 7 * kDay, [](auto& c) -> auto& { return c.server.cache.ttl_caps.positive; }),
      SecondsSetting(
          {.key = "cache-max-negative-ttl",
           .help = "Longest time an NXDOMAIN or NODATA response is cached",
           .yaml_only = true},
          1s, kDay, [](auto& c) -> auto& { return c.server.cache.ttl_caps.negative; }),
      SecondsSetting(
          {.key = "failure-ttl",
           .help = "How long a failure is cached; doubled after each failure in a row",
           .yaml_only = true},
          1s, 5min, [](auto& c) -> auto& { return c.server.cache.failure_ttl; }),
      SecondsSetting(
          {.key = "failure-max-ttl", .help = "Longest time a failure is cached", .yaml_only = true},
          1s, 5min, [](auto& c) -> auto& { return c.server.cache.failure_max_ttl; }),
      SwitchSetting(
          {.key = "prefetch",
           .help = "Refresh popular names shortly before they expire",
           .yaml_only = true},
          [](auto& c) -> auto& { return c.server.cache.prefetch; }),
      SwitchSetting(
          {.key = "rotate",
           .help = "Begin each reply from the cache with another address",
           .yaml_only = true},
          [](auto& c) -> auto& { return c.server.limits.rotate; }),
      IntegerSetting(
          {.key = "lru-protected-percent",
           .help = "Share of the cache for names that were queried more than once; 0 "
                   "is plain LRU",
           .yaml_only = true},
          0, 95, [](auto& c) -> auto& { return c.server.cache.lru_protected_percent; }),
  };
}

std::vector<Setting> StaleRows() {
  return {
      SecondsSetting(
          {.key = "stale-max-age",
           .help = "How long expired data is used when it cannot be refreshed; 0s: never",
           .yaml_only = true},
          0s, 7 * kDay, [](auto& c) -> auto& { return c.server.cache.stale_max_age; }),
      SecondsSetting(
          {.key = "stale-ttl", .help = "TTL of stale data in replies", .yaml_only = true}, 1s, 1h,
          [](auto& c) -> auto& { return c.server.cache.stale_ttl; }),
      SecondsSetting(
          {.key = "stale-recheck",
           .help = "Time from a failed refresh to the next attempt",
           .yaml_only = true},
          1s, 1h, [](auto& c) -> auto& { return c.server.cache.stale_recheck; }),
      DurationSetting(
          {.key = "stale-client-timeout",
           .help = "Time from a query's arrival to a stale answer, while a refresh "
                   "goes on"},
          0ms, 30s, [](auto& c) -> auto& { return c.server.limits.stale_client_timeout; }),
  };
}

std::vector<Setting> SnapshotRows() {
  return {
      FileSetting(
          {.key = "snapshot",
           .help = "File to which a stop writes the cache, and from which a start reads it"},
          [](auto& c) -> auto& { return c.server.snapshot.file; }),
      SecondsSetting(
          {.key = "snapshot-interval",
           .help = "Time between two snapshots of the cache; 0s: only at the stop"},
          0s, kDay, [](auto& c) -> auto& { return c.server.snapshot.interval; }),
      SecondsSetting(
          {.key = "snapshot-max-age", .help = "An older snapshot is not read", .yaml_only = true},
          1s, 7 * kDay, [](auto& c) -> auto& { return c.server.snapshot.max_age; }),
  };
}

}  // namespace dotcache
