// SPDX-License-Identifier: Apache-2.0
// The paths of the control socket.
#ifndef DOTCACHE_ADMIN_CONTROL_PATHS_H_
#define DOTCACHE_ADMIN_CONTROL_PATHS_H_

#include <optional>

#include "admin/http_message.h"

namespace dotcache {

class Operations;
class Server;

// Answers a request of the control socket, or returns std::nullopt for a path of the admin address.
// Any thread may call it. All replies are JSON, errors as {"error": TEXT}.
//
//   GET of a path of admin/reading_paths.h.
//   POST /top, GET /top              See admin/top_paths.h.
//   GET /watch                       The numbers of `dotcache ctl watch`.
//   POST /flush?name=NAME[&type=TYPE|&below=1], POST /flush?all=1
//                                    Removes entries; returns their number.
//   POST /reload                     409 if the configuration has errors.
//   POST /log-level?level=LEVEL
//   POST /drain                      Begins the stop.
std::optional<HttpReply> HandleControl(Server& server, Operations& operations,
                                       const HttpRequest& request);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_CONTROL_PATHS_H_
