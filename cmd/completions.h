// SPDX-License-Identifier: Apache-2.0
// The completions of shells.
#ifndef DOTCACHE_CMD_COMPLETIONS_H_
#define DOTCACHE_CMD_COMPLETIONS_H_

#include <string>
#include <vector>

#include "cmd/command_words.h"

namespace dotcache {

// Scripts that complete commands, options, values that are words, and files. Pure.
std::string BashCompletion(const std::vector<CommandWords>& commands);
std::string ZshCompletion(const std::vector<CommandWords>& commands);
std::string FishCompletion(const std::vector<CommandWords>& commands);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_COMPLETIONS_H_
