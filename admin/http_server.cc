// SPDX-License-Identifier: Apache-2.0
#include "admin/http_server.h"

#include <microhttpd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "admin/allocated_memory.h"
#include "admin/explanation_json.h"
#include "admin/http_host.h"
#include "admin/metrics.h"
#include "core/status_macros.h"
#include "core/test_delay.h"
#include "net/boot_clock.h"
#include "net/listen_socket.h"
#include "server/server.h"

namespace dotcache {
namespace {

constexpr unsigned kMaxConnections = 64;
constexpr unsigned kIdleTimeoutSeconds = 10;
constexpr size_t kConnectionMemoryBytes = 16 * 1024;

using ResponsePtr = std::unique_ptr<MHD_Response, decltype(&MHD_destroy_response)>;

HttpReply Explain(const Server& server, std::optional<absl::string_view> text) {
  HttpReply reply;
  const auto name = DomainName::FromText(text.value_or(""));
  if (!text.has_value() || !name.ok()) {
    reply.status = MHD_HTTP_BAD_REQUEST;
    reply.body = text.has_value()
                     ? absl::StrCat("name: ", name.status().message(), "\n")
                     : "the parameter name is missing: /explain?name=www.example.com\n";
    return reply;
  }
  const std::optional<NameExplanation> explanation = server.Explain(*name);
  if (!explanation.has_value()) {
    reply.status = MHD_HTTP_SERVICE_UNAVAILABLE;
    reply.body = "the server has not started, or is stopping\n";
    return reply;
  }
  reply.content_type = "application/json";
  reply.body = RenderExplanation(*explanation);
  return reply;
}

std::optional<absl::string_view> Found(const char* value) {
  if (value == nullptr) return std::nullopt;
  return value;
}

// The objects that the handler needs. Only the HTTP thread uses them.
struct Sources {
  const Server& server;
  AllocatedMemory memory;
};

// The request handler. libmicrohttpd calls it when the headers are complete and again after the
// body.
// NOLINTNEXTLINE(readability-function-size): libmicrohttpd defines the parameters.
MHD_Result OnRequest(void* context, MHD_Connection* connection, const char* path,
                     const char* method, const char* /*version*/, const char* /*upload*/,
                     size_t* upload_size, void** request_state) {
  static constexpr char kSeen = 0;
  if (*request_state == nullptr) {
    *request_state = const_cast<char*>(&kSeen);
    return MHD_YES;
  }
  if (*upload_size > 0) {
    *upload_size = 0;  // Request bodies are ignored.
    return MHD_YES;
  }
  const auto name = Found(MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "name"));
  const auto host =
      Found(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST));
  Sources& sources = *static_cast<Sources*>(context);
  TestDelay(Seam::kAdminReply);
  const HttpReply reply = HandleHttp(sources.server, sources.memory, {method, path, name, host});
  const ResponsePtr response(
      MHD_create_response_from_buffer(reply.body.size(), const_cast<char*>(reply.body.data()),
                                      MHD_RESPMEM_MUST_COPY),
      &MHD_destroy_response);
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONTENT_TYPE, reply.content_type.c_str());
  if (reply.status == MHD_HTTP_METHOD_NOT_ALLOWED) {
    MHD_add_response_header(response.get(), MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  }
  return MHD_queue_response(connection, static_cast<unsigned>(reply.status), response.get());
}

}  // namespace

struct HttpServer::Daemon {
  explicit Daemon(const Server& server) : sources{server, {}} {}
  ~Daemon() {
    if (handle != nullptr) MHD_stop_daemon(handle);
  }

  Sources sources;
  MHD_Daemon* handle = nullptr;
};

HttpReply HandleHttp(const Server& server, AllocatedMemory& memory, const HttpRequest& request) {
  const absl::string_view path = request.path;
  HttpReply reply;
  if (request.method != MHD_HTTP_METHOD_GET && request.method != MHD_HTTP_METHOD_HEAD) {
    reply.status = MHD_HTTP_METHOD_NOT_ALLOWED;
    reply.body = "only GET and HEAD are served here\n";
  } else if (path == "/health") {
    reply.body = "OK\n";
  } else if (path == "/ready") {
    const bool ready = server.ready();
    reply.status = ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    reply.body = ready ? "OK\n" : "not ready: no upstream server connected yet, or stopping\n";
  } else if (path == "/metrics") {
    reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
    reply.body = RenderMetrics(server, memory.InUse(BootTime()));
  } else if (path == "/explain") {
    if (!request.host.has_value() || IsAddressOrLocalhost(*request.host)) {
      return Explain(server, request.name);
    }
    reply.status = MHD_HTTP_FORBIDDEN;
    reply.body = "/explain needs an IP address or localhost as the host name\n";
  } else {
    reply.status = MHD_HTTP_NOT_FOUND;
    reply.body = "not found; the paths are /metrics, /health, /ready and /explain\n";
  }
  return reply;
}

HttpServer::HttpServer(std::unique_ptr<Daemon> daemon, const Endpoint& local_endpoint)
    : daemon_(std::move(daemon)), local_endpoint_(local_endpoint) {}

HttpServer::~HttpServer() = default;

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Open(const Endpoint& endpoint,
                                                             const Server& server) {
  if (endpoint.port() != 0) RETURN_IF_ERROR(CheckEndpointFree(endpoint, SocketKind::kTcp));
  ASSIGN_OR_RETURN(UniqueFd fd, BindTcp(endpoint));
  const Endpoint local = LocalEndpoint(fd.get());
  auto daemon = std::make_unique<Daemon>(server);
  daemon->handle = MHD_start_daemon(
      MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, nullptr, nullptr, &OnRequest,
      &daemon->sources, MHD_OPTION_LISTEN_SOCKET, fd.get(), MHD_OPTION_CONNECTION_LIMIT,
      kMaxConnections, MHD_OPTION_CONNECTION_TIMEOUT, kIdleTimeoutSeconds,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemoryBytes, MHD_OPTION_END);
  if (daemon->handle == nullptr) {
    return absl::InternalError(absl::StrCat("cannot serve HTTP on ", endpoint.ToString()));
  }
  fd.release();  // The daemon closes it.
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(daemon), local));
}

}  // namespace dotcache
