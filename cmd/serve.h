// SPDX-License-Identifier: Apache-2.0
// The subcommands `serve` and `check`.
#ifndef DOTCACHE_CMD_SERVE_H_
#define DOTCACHE_CMD_SERVE_H_

#include "cmd/config.h"

namespace dotcache {

// Loads and checks the configuration, serves until SIGTERM or SIGINT, and drains. A second signal
// ends the process at once. SIGHUP reloads the configuration, SIGUSR1 logs a line about the state.
// Returns the exit status: 0 after a clean stop; 1 when the server cannot start, with the errors on
// standard error.
int RunServe(const ConfigSources& sources);

// Prints the effective configuration and returns 0, or prints every error and returns 1. Binds the
// addresses of the listeners only if `bind` is true, so that it works while the service runs.
int RunCheck(const ConfigSources& sources, bool bind);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_SERVE_H_
