// SPDX-License-Identifier: Apache-2.0
// What a reload changes.
#ifndef DOTCACHE_CMD_RELOAD_H_
#define DOTCACHE_CMD_RELOAD_H_

#include <string>
#include <vector>

#include "cmd/config.h"

namespace dotcache {

// Returns `running` with all settings of `next` that a running server can take over. The other
// settings are those of `running`.
Config TakenOver(const Config& running, const Config& next);

// The keys of the settings that differ, in the order of the table.
std::vector<std::string> ChangedKeys(const Config& before, const Config& after);

// The differences as lines of YAML: "- LINE" was removed and "+ LINE" was added.
std::vector<std::string> ChangedLines(const Config& before, const Config& after);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_RELOAD_H_
