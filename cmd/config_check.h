// SPDX-License-Identifier: Apache-2.0
// What only the machine can tell about a configuration.
#ifndef DOTCACHE_CMD_CONFIG_CHECK_H_
#define DOTCACHE_CMD_CONFIG_CHECK_H_

#include <vector>

#include "cmd/config.h"

namespace dotcache {

// Reads the certificate, key and CA files, tries the listeners' and the admin's addresses (bound
// and closed again), and looks for upstream servers that are our own listeners. Every error is
// reported with the origin of the setting it concerns.
std::vector<ConfigError> CheckOnMachine(const LoadedConfig& loaded);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_CONFIG_CHECK_H_
