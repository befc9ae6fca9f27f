// SPDX-License-Identifier: Apache-2.0
// Counters to Prometheus families.
#ifndef DOTCACHE_ADMIN_METRICS_H_
#define DOTCACHE_ADMIN_METRICS_H_

#include <cstdint>
#include <string>

namespace dotcache {

class Server;

// All metrics in Prometheus text format, summed over the workers. Names are stable; base units are
// seconds and bytes; labels are bounded sets (transport, RCODE, reason, provider, address) and
// never hold a query name or a client's address. `allocated_bytes` is the memory in use. Any
// thread; reads counters without a lock, but for the cache's shards one after another.
std::string RenderMetrics(const Server& server, uint64_t allocated_bytes);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_METRICS_H_
