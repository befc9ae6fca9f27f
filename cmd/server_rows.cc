// SPDX-License-Identifier: Apache-2.0
// The settings of the server: listeners and clients, its own answers, the process and its logs.
#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cmd/access_settings.h"
#include "cmd/dependent_settings.h"
#include "cmd/list_kinds.h"
#include "cmd/listen_settings.h"
#include "cmd/query_log_settings.h"
#include "cmd/setting_kinds.h"
#include "cmd/setting_rows.h"
#include "cmd/value_parsers.h"
#include "cmd/words.h"

namespace dotcache {
namespace {

using namespace std::chrono_literals;

constexpr auto kDay = 24h;

constexpr size_t kMaxAdminHosts = 64;

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

std::vector<Setting> LocalNameRows() {
  const auto same = [](const std::string& text) { return text; };
  return {
      SwitchSetting(
          {.key = "local-zones",
           .help = "Answer special-use and private zones here instead of forwarding "
                   "them"},
          [](auto& c) -> auto& { return c.server.local_zones; }),
      ListSetting(
          NewSetting({.key = "local-zones-except",
                      .help = "Special-use zones that are forwarded",
                      .yaml_only = true},
                     "NAME"),
          kUnlimited, [](auto& c) -> auto& { return c.server.local_zones_except; }, ParseLocalZone,
          [](const DomainName& name) { return name.ToString(); }),
      ListSetting(
          NewSetting({.key = "hosts-file",
                      .help = "Hosts file, such as /etc/hosts, whose names are answered "
                              "here"},
                     "FILE", AtMost(LocalDataOptions::kMaxHostsFiles)),
          kUnlimited, [](auto& c) -> auto& { return c.server.local_data.hosts_files; }, ParsePath,
          same),
      ListSetting(
          NewSetting({.key = "records",
                      .help = "Record that is answered here, written as in a zone file",
                      .yaml_only = true},
                     "TEXT"),
          kUnlimited, [](auto& c) -> auto& { return c.server.local_data.records; },
          [](absl::string_view text) { return absl::StatusOr<std::string>(text); }, same),
      SecondsSetting(
          {.key = "local-ttl",
           .help = "TTL of names from hosts files, and of `records` without a TTL",
           .yaml_only = true},
          0s, 7 * kDay, [](auto& c) -> auto& { return c.server.local_data.ttl; }),
  };
}

std::vector<Setting> OwnAnswerRows() {
  return {
      TextSetting(
          {.key = "identity", .help = "Name of this server in NSID, id.server and hostname.bind"},
          [](auto& c) -> auto& { return c.server.own_answers.identity; }),
      TextSetting(
          {.key = "version-text",
           .help = "Answer to version.bind and version.server",
           .yaml_only = true},
          [](auto& c) -> auto& { return c.server.own_answers.version_text; }),
      WordSetting(
          {.key = "any",
           .help = "Queries for type ANY: forward them, or reply with one HINFO record",
           .yaml_only = true},
          kMinimalAnyWords, [](auto& c) -> auto& { return c.server.own_answers.minimal_any; }),
      WordSetting(
          {.key = "cookies",
           .help = "DNS cookies; required: a client over UDP must show a valid cookie",
           .yaml_only = true},
          kCookieWords, [](auto& c) -> auto& { return c.server.cookies; }),
      FileSetting(
          {.key = "cookie-secret-file",
           .help = "Secret of the cookies: 32 hexadecimal digits; a second line is the "
                   "previous secret",
           .yaml_only = true},
          [](auto& c) -> auto& { return c.server.cookie_secret_file; }),
  };
}

std::vector<Setting> WorkerRows() {
  return {
      WithDerivedDefault(DeriveWorkers,
                         IntegerSetting(
                             {.key = "workers",
                              .help = "Threads that serve queries, each with its own event loop",
                              .default_text = "number of CPUs"},
                             1, kMaxWorkers, [](auto& c) -> auto& { return c.server.workers; })),
      IntegerSetting(
          {.key = "upstream-workers",
           .help =
               "Workers that query upstream servers; other workers hand them their cache misses",
           .yaml_only = true},
          1, kMaxWorkers, [](auto& c) -> auto& { return c.server.upstream_workers; }),
      DurationSetting(
          {.key = "query-timeout",
           .help = "Time from a query's arrival to SERVFAIL, when no server responds"},
          100ms, 30s, [](auto& c) -> auto& { return c.server.limits.query_timeout; }),
      IntegerSetting(
          {.key = "max-pending-queries",
           .help = "Distinct questions that wait for a response, in each upstream worker",
           .yaml_only = true},
          1, kMost, [](auto& c) -> auto& { return c.server.limits.max_pending_queries; }),
      WithDerivedDefault(
          DeriveMaxPendingPerClient,
          IntegerSetting(
              {.key = "max-pending-per-client",
               .help = "Queries of one client that wait for a response, in each upstream worker",
               .default_text = "75 % of max-pending-queries",
               .yaml_only = true},
              1, kMost, [](auto& c) -> auto& { return c.server.limits.max_pending_per_client; })),
  };
}

std::vector<Setting> ProcessRows() {
  return {
      ScalarSetting(
          NewSetting({.key = "admin",
                      .help = "HTTP address of the status page, /metrics, /health, /ready and the "
                              "state as JSON"},
                     "ADDR:PORT|off"),
          [](auto& c) -> auto& { return c.admin; }, ParseAdmin, FormatAdmin),
      ListSetting(
          NewSetting({.key = "admin-hosts",
                      .help = "Host name by which a program may reach the admin address"},
                     "NAME", AtMost(kMaxAdminHosts)),
          kMaxAdminHosts, [](auto& c) -> auto& { return c.admin_hosts; }, ParseHostName,
          [](const std::string& name) { return name; }),
      FileSetting(
          {.key = "control", .help = "Socket at which `dotcache ctl` controls this server"},
          [](auto& c) -> auto& { return c.control_path; }),
      DurationSetting(
          {.key = "lame-duck",
           .help = "Time after SIGTERM in which /ready replies 503 and everything else is served"},
          0ms, 1min, [](auto& c) -> auto& { return c.lame_duck; }),
      ScalarSetting(
          NewSetting(
              {.key = "user",
               .help = "User that a process of root becomes at its start; root: it stays root"},
              "USER"),
          [](auto& c) -> auto& { return c.user; }, ParseUser,
          [](const std::string& user) { return user; }),
      SwitchSetting(
          {.key = "core-dumps",
           .help = "Allow core dumps, which hold the names that clients query",
           .yaml_only = true},
          [](auto& c) -> auto& { return c.core_dumps; }),
      WordSetting(
          {.key = "system-call-filter",
           .help = "Refuse system calls that are not needed (seccomp); abort: end the process "
                   "instead"},
          kSystemCallWords, [](auto& c) -> auto& { return c.system_calls; }),
  };
}

std::vector<Setting> LogRows() {
  return {
      WordSetting(
          {.key = "log-level", .help = "Least severe log line that is written"}, kLogLevelWords,
          [](auto& c) -> auto& { return c.log_level; }),
      WordSetting(
          {.key = "log-format", .help = "Log lines as text, or one JSON object a line"},
          kLogFormWords, [](auto& c) -> auto& { return c.log_form; }),
      ScalarSetting(
          NewSetting({.key = "query-log",
                      .help = "Log of all queries, as text or dnstap. It shows what clients query"},
                     "off|stdout|file:PATH|dnstap:[unix:]PATH"),
          [](auto& c) -> auto& { return c.server.query_log.target; }, ParseQueryLog,
          FormatQueryLog),
      IntegerSetting(
          {.key = "query-log-sample",
           .help = "One in this many queries is logged",
           .yaml_only = true},
          1, kMost, [](auto& c) -> auto& { return c.server.query_log.sample; }),
      SwitchSetting(
          {.key = "query-log-upstream",
           .help = "Queries to upstream servers and their responses in the query log too",
           .yaml_only = true},
          [](auto& c) -> auto& { return c.server.query_log.upstream; }),
      WordSetting(
          {.key = "query-log-names",
           .help = "Names in the query log: whole, as a hash of one day, or their last two labels",
           .yaml_only = true},
          kDisclosureWords, [](auto& c) -> auto& { return c.server.query_log.names; }),
      WordSetting(
          {.key = "query-log-clients",
           .help = "Clients in the query log: whole, as a hash of one day, or their /24 or /48",
           .yaml_only = true},
          kDisclosureWords, [](auto& c) -> auto& { return c.server.query_log.clients; }),
  };
}

}  // namespace dotcache
