// SPDX-License-Identifier: Apache-2.0
// The settings of logs.
#include <vector>

#include "cmd/query_log_settings.h"
#include "cmd/setting_kinds.h"
#include "cmd/setting_rows.h"
#include "cmd/words.h"

namespace dotcache {

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
