// Counters to Prometheus families.
#ifndef DOTCACHE_ADMIN_METRICS_H_
#define DOTCACHE_ADMIN_METRICS_H_

#include <string>

namespace dotcache {

class Server;

// All metrics in Prometheus text format, summed over the workers. Names are stable; base units are
// seconds and bytes; labels are bounded sets (transport, RCODE, reason, provider, address) and
// never hold a query name or a client's address. Any thread; reads counters without a lock, but for
// the cache's shards one after another.
std::string RenderMetrics(const Server& server);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_METRICS_H_
