// SPDX-License-Identifier: Apache-2.0
// The settings `upstream-source` and `upstream-mark`.
#ifndef DOTCACHE_CMD_OUTGOING_SETTINGS_H_
#define DOTCACHE_CMD_OUTGOING_SETTINGS_H_

#include "cmd/config.h"
#include "cmd/config_value.h"

namespace dotcache {

// Fills server.upstream.limits.outgoing from the settings' values, null where one is not set.
// Appends origins and errors.
void LoadOutgoing(const ConfigValue* source, const ConfigValue* mark, LoadedConfig& loaded);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_OUTGOING_SETTINGS_H_
