// SPDX-License-Identifier: Apache-2.0
// The settings of workers and of the process.
#include <chrono>
#include <string>
#include <vector>

#include "cmd/dependent_settings.h"
#include "cmd/list_kinds.h"
#include "cmd/setting_kinds.h"
#include "cmd/setting_rows.h"
#include "cmd/value_parsers.h"
#include "cmd/words.h"

namespace dotcache {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxAdminHosts = 64;

}  // namespace

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

}  // namespace dotcache
