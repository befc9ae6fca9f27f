// SPDX-License-Identifier: Apache-2.0
// The setting `access`.
#ifndef DOTCACHE_CMD_ACCESS_SETTINGS_H_
#define DOTCACHE_CMD_ACCESS_SETTINGS_H_

#include <string>

#include "cmd/config.h"

namespace dotcache {

inline constexpr int kMaxClientRate = 100'000;
inline constexpr int kMaxClientBurst = 1'000'000;

// Fills server.access.
// REQUIRES: `listen` was read, because rules name listeners.
void ReadAccess(const ConfigValue& value, LoadedConfig& loaded);
std::string FormatAccess(const Config& config);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_ACCESS_SETTINGS_H_
