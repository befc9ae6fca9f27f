// HTTP for people and machines: /metrics, /health, /ready.
#ifndef DOTCACHE_ADMIN_HTTP_SERVER_H_
#define DOTCACHE_ADMIN_HTTP_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/endpoint.h"

namespace dotcache {

class Server;

// What an HTTP request gets.
struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// Answers one request from the server's counters; any thread.
//
//   GET /health   200 as long as the process answers: liveness
//   GET /ready    200 once an upstream server was reached, 503 before and while stopping: readiness
//   GET /metrics  Prometheus text format
HttpReply HandleHttp(const Server& server, absl::string_view method, absl::string_view path);

// Serves HandleHttp() on a thread of libmicrohttpd's own. Limits: 64 connections, 10 s without
// activity, request headers of 16 KiB. The server must outlive it. No query name and no client
// address is ever served.
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
