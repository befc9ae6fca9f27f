// SPDX-License-Identifier: Apache-2.0
// Serves the status page, /metrics, /health, /ready and the state over HTTP.
#ifndef DOTCACHE_ADMIN_HTTP_SERVER_H_
#define DOTCACHE_ADMIN_HTTP_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "admin/http_connections.h"
#include "admin/http_message.h"
#include "net/endpoint.h"
#include "net/unique_fd.h"
#include "net/unix_socket.h"

namespace dotcache {

class AllocatedMemory;
class Operations;
class Server;

struct HttpOptions {
  std::vector<std::string> host_names =
      {};  // Allowed in the Host header, in addition to MachineName().
  HttpConnectionLimits limits = {};
  // Returns the settings in effect, for /config.yaml. Null: there is no such path. Called on the
  // HTTP thread, so it must not wait.
  std::function<std::string()> configuration = nullptr;
  // Tells which providers are taken out. Null: none is. Must outlive the HttpServer.
  const Operations* operations = nullptr;
};

// Answers one HTTP request from the state of `server` and `memory`. Any thread may call it, if no
// other thread uses `memory` at the same time. The reply is 403 if the Host header may be the name
// of a web site: neither an address, nor `localhost`, nor one of `host_names` (admin/http_host.h).
//
//   GET /health   Liveness: 200 while the process answers.
//   GET /ready    Readiness: 200 from the first authenticated connection to an upstream server
//                 until the stop begins, otherwise 503. JSON if the client accepts JSON.
//   GET /metrics  Prometheus text format.
//   GET /         The status page, with /status.css, /status.js and /status.json.
HttpReply HandleHttp(const Server& server, AllocatedMemory& memory,
                     const std::vector<std::string>& host_names, const HttpRequest& request);

// Serves HandleHttp() and HandleReading() on one thread with libmicrohttpd. `server` must outlive
// it. No response contains a client address, or lists names that clients queried. Limits:
// HttpConnectionLimits, and 16 KiB of request headers.
class HttpServer {
 public:
  // Binds a socket for Open(). An error names the endpoint. It is a step of its own, because a
  // process gives up the right to bind low ports before it starts a thread. `reuse_port`: see
  // ServerOptions.
  static absl::StatusOr<UniqueFd> Bind(const Endpoint& endpoint, bool reuse_port = false);

  // Starts the thread.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Open(UniqueFd socket, const Server& server,
                                                          const HttpOptions& options = {});
  // Serves HandleControl() and HandleHttp() at a path. `operations` must outlive it too.
  static absl::StatusOr<std::unique_ptr<HttpServer>> OpenControl(UnixPath listener, Server& server,
                                                                 Operations& operations);
  // Closes the socket and the connections, and joins the thread.
  ~HttpServer();

  Endpoint local_endpoint() const { return local_endpoint_; }

 private:
  struct Daemon;
  static absl::Status Serve(Daemon& daemon, UniqueFd fd);
  HttpServer(std::unique_ptr<Daemon> daemon, const Endpoint& local_endpoint);

  std::unique_ptr<Daemon> daemon_;
  const Endpoint local_endpoint_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_HTTP_SERVER_H_
