// SPDX-License-Identifier: Apache-2.0
// The setting `listen`.
#ifndef DOTCACHE_CMD_LISTEN_SETTINGS_H_
#define DOTCACHE_CMD_LISTEN_SETTINGS_H_

#include <string>

#include "cmd/config.h"

namespace dotcache {

// Fills server.listen. An IPv6 listener of the default is optional.
void ReadListen(const ConfigValue& value, LoadedConfig& loaded);
std::string FormatListen(const Config& config);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_LISTEN_SETTINGS_H_
