// SPDX-License-Identifier: Apache-2.0
// The rows of the table in cmd/settings.h, by subject. cmd/setting_kinds.h has the kinds of rows.
#ifndef DOTCACHE_CMD_SETTING_ROWS_H_
#define DOTCACHE_CMD_SETTING_ROWS_H_

#include <vector>

#include "cmd/setting.h"

namespace dotcache {

inline constexpr int kMost = 1000000;  // Of connections and of queries, in each worker.

// In server_rows.cc.
std::vector<Setting> ListenRows();
std::vector<Setting> AccessRows();
std::vector<Setting> StreamRows();
std::vector<Setting> LocalNameRows();
std::vector<Setting> OwnAnswerRows();
std::vector<Setting> WorkerRows();
std::vector<Setting> ProcessRows();
std::vector<Setting> LogRows();

// In response_rows.cc.
std::vector<Setting> UpstreamRows();
std::vector<Setting> UpstreamTimeRows();
std::vector<Setting> CacheRows();
std::vector<Setting> StaleRows();
std::vector<Setting> SnapshotRows();

}  // namespace dotcache

#endif  // DOTCACHE_CMD_SETTING_ROWS_H_
