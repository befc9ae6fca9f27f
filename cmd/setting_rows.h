// SPDX-License-Identifier: Apache-2.0
// The rows of the table in cmd/settings.h, by subject. cmd/setting_kinds.h has the kinds of rows.
#ifndef DOTCACHE_CMD_SETTING_ROWS_H_
#define DOTCACHE_CMD_SETTING_ROWS_H_

#include <vector>

#include "cmd/setting.h"

namespace dotcache {

inline constexpr int kMost = 1000000;  // Of connections and of queries, in each worker.

// In listener_rows.cc.
std::vector<Setting> ListenRows();
std::vector<Setting> AccessRows();
std::vector<Setting> StreamRows();

// In upstream_rows.cc.
std::vector<Setting> UpstreamRows();
std::vector<Setting> UpstreamTimeRows();

// In cache_rows.cc.
std::vector<Setting> CacheRows();
std::vector<Setting> StaleRows();
std::vector<Setting> SnapshotRows();

// In local_rows.cc.
std::vector<Setting> LocalNameRows();
std::vector<Setting> OwnAnswerRows();

// In process_rows.cc.
std::vector<Setting> WorkerRows();
std::vector<Setting> ProcessRows();

// In log_rows.cc.
std::vector<Setting> LogRows();

}  // namespace dotcache

#endif  // DOTCACHE_CMD_SETTING_ROWS_H_
