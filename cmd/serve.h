// SPDX-License-Identifier: Apache-2.0
// The subcommands `serve` and `check`.
#ifndef DOTCACHE_CMD_SERVE_H_
#define DOTCACHE_CMD_SERVE_H_

#include "cmd/config.h"

namespace dotcache {

// Loads, checks, serves until SIGTERM or SIGINT, drains. A second signal ends the process at once.
// Returns the exit status: 0 after a clean stop, 1 when the configuration or the machine forbids to
// start; the errors are on standard error.
int RunServe(const ConfigSources& sources);

// Prints the effective configuration and returns 0, or prints every error and returns 1.
int RunCheck(const ConfigSources& sources);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_SERVE_H_
