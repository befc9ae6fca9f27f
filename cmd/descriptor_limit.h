// SPDX-License-Identifier: Apache-2.0
// The file descriptors that the process needs, and the limit on them.
#ifndef DOTCACHE_CMD_DESCRIPTOR_LIMIT_H_
#define DOTCACHE_CMD_DESCRIPTOR_LIMIT_H_

#include <cstdint>

#include "server/server_options.h"

namespace dotcache {

// The highest number of descriptors that a server with these options uses. It counts listeners,
// client and upstream connections of all workers, the admin address, and some for files.
uint64_t DescriptorsNeeded(const ServerOptions& options);

// Lowers limits.max_stream_connections to the value that `available` descriptors allow. Client
// connections then leave descriptors for upstream connections and health checks. At least one
// client connection is left.
void FitConnections(uint64_t available, ServerOptions& options);

// Raises the process's soft limit (RLIMIT_NOFILE) to its hard limit and calls FitConnections().
// Logs a warning when that lowers the connections.
void FitConnectionsToDescriptors(ServerOptions& options);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_DESCRIPTOR_LIMIT_H_
