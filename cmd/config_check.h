// SPDX-License-Identifier: Apache-2.0
// Errors of a configuration that depend on the machine: files, ports, addresses, privileges.
#ifndef DOTCACHE_CMD_CONFIG_CHECK_H_
#define DOTCACHE_CMD_CONFIG_CHECK_H_

#include <vector>

#include "cmd/config.h"
#include "cmd/machine_limits.h"
#include "server/inherited_sockets.h"

namespace dotcache {

// Reads the files that the settings name. If `bind` is true, binds and closes the addresses of the
// listeners and of `admin`, which fails while the program serves them. Listeners with an inherited
// socket are not bound. Skips the checks of settings that `loaded.errors` concerns. Looks for
// upstream servers that are listeners of this process. Every error has the place of its setting.
std::vector<ConfigError> CheckOnMachine(const LoadedConfig& loaded, bool bind,
                                        const InheritedSockets& inherited = {});

// Checks a configuration that a running server of `running` shall take over. Files of settings that
// are the same are not read, because the server has read them, perhaps with rights that it has
// given up. Local records are checked with `local_data` only: the reload itself reads them, and a
// large hosts file takes seconds.
std::vector<ConfigError> CheckForReload(const LoadedConfig& loaded, const Config& running,
                                        bool local_data);

// A cache that does not fit into the memory of `machine`.
std::vector<ConfigError> WarnOfMemory(const LoadedConfig& loaded, const MachineLimits& machine);

// What the operator should know about a configuration without errors: a cache that does not fit
// into memory, and a key that makes TLS handshakes of clients expensive.
std::vector<ConfigError> WarnOnMachine(const LoadedConfig& loaded);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_CONFIG_CHECK_H_
