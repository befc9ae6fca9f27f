// SPDX-License-Identifier: Apache-2.0
// How many file descriptors the process may have, and what it needs.
#ifndef DOTCACHE_CMD_DESCRIPTOR_LIMIT_H_
#define DOTCACHE_CMD_DESCRIPTOR_LIMIT_H_

#include <cstdint>

#include "server/server_options.h"

namespace dotcache {

// Descriptors that a server with these options may come to use at the same time: listeners, client
// and upstream connections of all workers, the admin address, and some for files.
uint64_t DescriptorsNeeded(const ServerOptions& options);

// Lowers limits.max_stream_connections to what `available` descriptors allow, so that clients never
// take those of upstream connections and health checks. At least one connection is left.
void FitConnections(uint64_t available, ServerOptions& options);

// Raises the process's soft limit (RLIMIT_NOFILE) to its hard one, then fits the connections to it
// and logs when they had to be lowered.
void FitConnectionsToDescriptors(ServerOptions& options);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_DESCRIPTOR_LIMIT_H_
