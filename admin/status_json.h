// SPDX-License-Identifier: Apache-2.0
// The state of the server as JSON, for the status page.
#ifndef DOTCACHE_ADMIN_STATUS_JSON_H_
#define DOTCACHE_ADMIN_STATUS_JSON_H_

#include <string>

namespace dotcache {

class Server;

// Counters begin at the start of the process; the page shows their differences. Contains no query
// name and no client address. Any thread may call it. It locks the shards of the cache one after
// another, and waits for a turn of a worker for each zone, as /explain does.
std::string RenderStatus(const Server& server);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_STATUS_JSON_H_
