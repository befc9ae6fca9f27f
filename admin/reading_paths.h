// SPDX-License-Identifier: Apache-2.0
// The paths that show the state, at the control socket and at the admin address.
#ifndef DOTCACHE_ADMIN_READING_PATHS_H_
#define DOTCACHE_ADMIN_READING_PATHS_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "absl/strings/string_view.h"
#include "admin/http_message.h"

namespace dotcache {

class Operations;
class Server;

inline constexpr absl::string_view kNotReadyText =
    "not ready: no upstream server connected yet, or stopping";

// The state in a few numbers, as /status shows it.
nlohmann::ordered_json StatusJson(const Server& server);

// The list of /upstreams. `operations` tells which providers are taken out; null: none is.
nlohmann::ordered_json UpstreamsJson(const Server& server, const Operations* operations);

// Answers a GET or HEAD request, or returns std::nullopt for another path. Any thread may call it.
// All replies are JSON, errors as {"error": TEXT}. A wrong name or type gets 400.
//
//   /status                        The state in a few numbers.
//   /ready                         503 before the first connection to a server, and in the stop.
//   /upstreams                     The upstream servers with their counters.
//   /lookup?name=NAME[&type=TYPE]  The entries of the cache for this question (A by default).
//   /explain?name=NAME[&type=TYPE][&dnssec=1]
//                                  Where the answer would come from, and why.
std::optional<HttpReply> HandleReading(const Server& server, const Operations* operations,
                                       const HttpRequest& request);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_READING_PATHS_H_
