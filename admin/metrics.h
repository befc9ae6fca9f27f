// SPDX-License-Identifier: Apache-2.0
// Writes the counters as Prometheus metrics.
#ifndef DOTCACHE_ADMIN_METRICS_H_
#define DOTCACHE_ADMIN_METRICS_H_

#include <cstdint>
#include <string>

namespace dotcache {

class Server;

// Returns all metrics in Prometheus text format, summed over the workers. `allocated_bytes` is the
// memory in use. Names are stable. Units are seconds and bytes. Labels have bounded sets of values
// (transport, RCODE, reason, provider, address) and never contain a query name or a client address.
// Any thread may call it. It locks the shards of the cache one after another, and reads everything
// else without a lock.
std::string RenderMetrics(const Server& server, uint64_t allocated_bytes);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_METRICS_H_
