// SPDX-License-Identifier: Apache-2.0
// What is wrong with a command line.
#ifndef DOTCACHE_CMD_USAGE_ERRORS_H_
#define DOTCACHE_CMD_USAGE_ERRORS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace dotcache {

// The errors of a command line that app.parse() refused, as lines: one for each argument that is
// not known and each flag without its value, in their order, with the most similar command or flag.
// A setting of the YAML file is named as such. The value that follows an unknown flag gets no line
// of its own. `arguments`: those after the name of the program. If all of them are good, the line
// is that of `error`.
std::vector<std::string> UsageErrors(const CLI::App& app, const std::vector<std::string>& arguments,
                                     const CLI::ParseError& error);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_USAGE_ERRORS_H_
