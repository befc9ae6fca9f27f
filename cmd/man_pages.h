// SPDX-License-Identifier: Apache-2.0
// The man pages dotcache(8) and dotcache.yaml(5).
#ifndef DOTCACHE_CMD_MAN_PAGES_H_
#define DOTCACHE_CMD_MAN_PAGES_H_

#include <string>
#include <vector>

#include "cmd/command_words.h"
#include "cmd/setting.h"

namespace dotcache {

// Pages in the language of groff's man macros. Pure.
std::string ProgramManPage(const std::vector<CommandWords>& commands, const std::string& version);
std::string SettingsManPage(const std::vector<Setting>& settings, const std::string& version);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_MAN_PAGES_H_
