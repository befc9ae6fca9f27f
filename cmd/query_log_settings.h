// SPDX-License-Identifier: Apache-2.0
// The setting `query-log`.
#ifndef DOTCACHE_CMD_QUERY_LOG_SETTINGS_H_
#define DOTCACHE_CMD_QUERY_LOG_SETTINGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cmd/config.h"
#include "query_log/query_log_options.h"

namespace dotcache {

// "off", "stdout", "file:PATH", "dnstap:PATH" or "dnstap:unix:PATH".
absl::StatusOr<QueryLogTarget> ParseQueryLog(absl::string_view text);
std::string FormatQueryLog(const QueryLogTarget& target);

// A dnstap message holds the whole DNS message, so neither names nor clients can be hidden.
void CheckQueryLogDisclosure(LoadedConfig& loaded);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_QUERY_LOG_SETTINGS_H_
