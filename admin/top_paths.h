// SPDX-License-Identifier: Apache-2.0
// The requests of `dotcache ctl top`.
#ifndef DOTCACHE_ADMIN_TOP_PATHS_H_
#define DOTCACHE_ADMIN_TOP_PATHS_H_

#include <string>

#include "absl/status/statusor.h"
#include "admin/http_message.h"

namespace dotcache {

class Server;

// Both return JSON. kInvalidArgument: a parameter is wrong. kFailedPrecondition: a measurement goes
// on. Any thread may call them.

// POST /top?by=names|clients|types[&seconds=5]: begins a measurement.
absl::StatusOr<std::string> StartTop(Server& server, const HttpRequest& request);

// GET /top[?limit=20][&end=1]: its result, which is then forgotten. `end` ends the measurement
// before its time.
absl::StatusOr<std::string> TakeTop(Server& server, const HttpRequest& request);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_TOP_PATHS_H_
