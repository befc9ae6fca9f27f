// SPDX-License-Identifier: Apache-2.0
// HTTP for people and machines: /metrics, /health, /ready, /explain.
#ifndef DOTCACHE_ADMIN_HTTP_SERVER_H_
#define DOTCACHE_ADMIN_HTTP_SERVER_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/endpoint.h"

namespace dotcache {

class AllocatedMemory;
class Server;

// What an HTTP request gets.
struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// Answers one request from the server's counters and `memory`; any thread that has `memory` for
// itself.
//
//   GET /health   200 as long as the process answers: liveness
//   GET /ready    200 once an upstream server was reached, 503 before and while stopping: readiness
//   GET /metrics  Prometheus text format
//   GET /explain?name=NAME   JSON: which zone's servers would be asked for NAME, in which order and
//                 why. 400 when there is no such name, 403 when the host asked for may be a web
//                 site's name (admin/http_host.h), 503 before the start and while stopping.
//
// `name` is the parameter of that name, `host` the Host header, if there is one.
HttpReply HandleHttp(const Server& server, AllocatedMemory& memory, absl::string_view method,
                     absl::string_view path, std::optional<absl::string_view> name = std::nullopt,
                     std::optional<absl::string_view> host = std::nullopt);

// Serves HandleHttp() on a thread of libmicrohttpd's own. Limits: 64 connections, 10 s without
// activity, request headers of 16 KiB. The server must outlive it. No query name and no client
// address is ever served; /explain says nothing of what was asked, only what would be done.
class HttpServer {
 public:
  // The error names the endpoint.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Open(const Endpoint& endpoint,
                                                          const Server& server);
  // Closes the listening socket and its connections, and joins the thread.
  ~HttpServer();

  Endpoint local_endpoint() const { return local_endpoint_; }

 private:
  struct Daemon;
  HttpServer(std::unique_ptr<Daemon> daemon, const Endpoint& local_endpoint);

  std::unique_ptr<Daemon> daemon_;
  const Endpoint local_endpoint_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_HTTP_SERVER_H_
