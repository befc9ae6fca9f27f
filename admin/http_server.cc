// SPDX-License-Identifier: Apache-2.0
#include "admin/http_server.h"

#include <microhttpd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "admin/allocated_memory.h"
#include "admin/control_paths.h"
#include "admin/http_host.h"
#include "admin/metrics.h"
#include "admin/reading_paths.h"
#include "admin/status_json.h"
#include "admin/status_page.h"
#include "core/status_macros.h"
#include "core/test_delay.h"
#include "net/boot_clock.h"
#include "net/listen_socket.h"
#include "server/server.h"

namespace dotcache {
namespace {

// libmicrohttpd accepts up to ten connections in one run and closes evicted ones in the next run.
// It stops to accept at its own limit, so that one is above the limit of HttpConnections.
constexpr unsigned kMaxSockets = 64;
constexpr size_t kConnectionMemoryBytes = 16 * 1024;

using ResponsePtr = std::unique_ptr<MHD_Response, decltype(&MHD_destroy_response)>;

std::optional<absl::string_view> Found(const char* value) {
  if (value == nullptr) return std::nullopt;
  return value;
}

// The objects that the handlers need. Only the HTTP thread uses them.
struct Sources {
  const Server& server;
  AllocatedMemory memory;
  std::vector<std::string> host_names;
  HttpConnections connections;
  std::function<std::string()> configuration;  // May be null.
  const Operations* operations;                // May be null.
  // Of the control socket, otherwise null.
  Server* control = nullptr;
  Operations* commands = nullptr;
};

HttpReply ReplyTo(Sources& sources, const HttpRequest& request, bool from_here) {
  if (sources.control != nullptr) {
    auto reply = HandleControl(*sources.control, *sources.commands, request);
    if (reply.has_value()) return *std::move(reply);
  }
  HttpReply reply = HandleHttp(sources.server, sources.memory, sources.host_names, request);
  if (reply.status != MHD_HTTP_NOT_FOUND) return reply;  // Else the host and the method are good.
  auto reading = HandleReading(sources.server, sources.operations, request);
  if (reading.has_value()) return *std::move(reading);
  if (request.path == "/config.yaml" && sources.configuration != nullptr) {
    if (!from_here) return {MHD_HTTP_FORBIDDEN, "text/plain", "only for clients on this machine\n"};
    return {MHD_HTTP_OK, "text/plain; charset=utf-8", sources.configuration()};
  }
  return reply;
}

// For all responses, because only the status page needs less.
void AddSecurityHeaders(MHD_Response* response) {
  MHD_add_response_header(response, "Content-Security-Policy", kContentPolicy);
  MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
  MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
}

// Adds one parameter of the query string to the map that `context` points to.
// NOLINTNEXTLINE(readability-function-size): the parameters are those that libmicrohttpd gives.
MHD_Result AddParameter(void* context, MHD_ValueKind /*kind*/, const char* key, size_t key_size,
                        const char* value, size_t value_size) {
  auto& parameters = *static_cast<std::map<std::string, std::string>*>(context);
  parameters.emplace(std::string(key, key_size),
                     value == nullptr ? "" : std::string(value, value_size));
  return MHD_YES;
}

int SocketOf(MHD_Connection* connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

// libmicrohttpd sees the end of the stream at its next run, and closes the socket.
void Close(int socket) { shutdown(socket, SHUT_RDWR); }

// libmicrohttpd calls it after the accept and before the close.
void OnConnection(void* context, MHD_Connection* connection, void** /*state*/,
                  MHD_ConnectionNotificationCode code) {
  HttpConnections& connections = static_cast<Sources*>(context)->connections;
  const int socket = SocketOf(connection);
  if (code != MHD_CONNECTION_NOTIFY_STARTED) return connections.Remove(socket);
  const sockaddr* client =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
  const auto evicted = connections.Add(socket, Endpoint::FromSockaddr(client), BootTime());
  if (evicted.has_value()) Close(*evicted);
}

void OnRequestDone(void* context, MHD_Connection* connection, void** /*state*/,
                   MHD_RequestTerminationCode code) {
  if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK) return;
  static_cast<Sources*>(context)->connections.RequestDone(SocketOf(connection), BootTime());
}

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
  HttpRequest request = {.method = method, .path = path};
  request.host =
      Found(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST));
  const auto accept =
      Found(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT));
  request.wants_json = absl::StrContains(accept.value_or(""), "application/json");
  MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, &AddParameter,
                              &request.parameters);
  TestDelay(Seam::kAdminReply);
  const HttpReply reply = ReplyTo(
      *static_cast<Sources*>(context), request,
      Endpoint::FromSockaddr(
          MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr)
          .is_loopback());
  const ResponsePtr response(
      MHD_create_response_from_buffer(reply.body.size(), const_cast<char*>(reply.body.data()),
                                      MHD_RESPMEM_MUST_COPY),
      &MHD_destroy_response);
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONTENT_TYPE, reply.content_type.c_str());
  AddSecurityHeaders(response.get());
  if (reply.status == MHD_HTTP_METHOD_NOT_ALLOWED) {
    MHD_add_response_header(response.get(), MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  }
  return MHD_queue_response(connection, static_cast<unsigned>(reply.status), response.get());
}

}  // namespace

struct HttpServer::Daemon {
  Daemon(const Server& server, const HttpOptions& options)
      : sources{server,
                {},
                options.host_names,
                HttpConnections(options.limits),
                options.configuration,
                options.operations} {
    sources.host_names.push_back(MachineName());
  }
  ~Daemon() {
    if (thread.joinable()) {
      eventfd_write(stop.get(), 1);
      thread.join();
    }
    if (handle != nullptr) MHD_stop_daemon(handle);
  }

  // How long the thread may wait for events; -1: without limit.
  int WaitMs() const {
    constexpr int64_t kLongest = 60'000;
    int64_t wait_ms = -1;
    const std::optional<MonoTime> deadline = sources.connections.NextDeadline();
    if (deadline.has_value()) {
      const auto left = std::chrono::ceil<Milliseconds>(*deadline - BootTime());
      wait_ms = std::clamp<int64_t>(left.count(), 0, kLongest);
    }
    unsigned long long library_ms = 0;  // NOLINT(google-runtime-int): the type of the library.
    if (MHD_get_timeout(handle, &library_ms) == MHD_YES) {
      const auto other = static_cast<int64_t>(std::min<uint64_t>(library_ms, kLongest));
      wait_ms = wait_ms < 0 ? other : std::min(wait_ms, other);
    }
    return static_cast<int>(wait_ms);
  }

  // The HTTP thread.
  void Run() {
    pollfd fds[] = {
        {MHD_get_daemon_info(handle, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, POLLIN, 0},
        {stop.get(), POLLIN, 0},
    };
    for (;;) {
      poll(fds, std::size(fds), WaitMs());
      if (fds[1].revents != 0) return;
      MHD_run(handle);
      for (const int socket : sources.connections.TakeOverdue(BootTime())) Close(socket);
    }
  }

  Sources sources;
  std::optional<UnixPath> path;  // Of the control socket.
  MHD_Daemon* handle = nullptr;
  const UniqueFd stop{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::thread thread;
};

HttpReply HandleHttp(const Server& server, AllocatedMemory& memory,
                     const std::vector<std::string>& host_names, const HttpRequest& request) {
  const absl::string_view path = request.path;
  HttpReply reply;
  if (request.host.has_value() && !IsAllowedHost(*request.host, host_names)) {
    reply.status = MHD_HTTP_FORBIDDEN;
    reply.body =
        "the host name in the URL must be an IP address, localhost, the name of this machine or "
        "one of admin-hosts\n";
  } else if (request.method != MHD_HTTP_METHOD_GET && request.method != MHD_HTTP_METHOD_HEAD) {
    reply.status = MHD_HTTP_METHOD_NOT_ALLOWED;
    reply.body = "only GET and HEAD are served here\n";
  } else if (path == "/health") {
    reply.body = "OK\n";
  } else if (path == "/ready") {
    if (request.wants_json) return *HandleReading(server, nullptr, request);
    const bool ready = server.ready();
    reply.status = ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    reply.body = ready ? "OK\n" : absl::StrCat(kNotReadyText, "\n");
  } else if (path == "/metrics") {
    reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
    reply.body = RenderMetrics(server, memory.InUse(BootTime()));
  } else if (const PageFile* file = FindPageFile(path); file != nullptr) {
    reply.content_type = std::string(file->content_type);
    reply.body = std::string(file->content);
  } else if (path == "/status.json") {
    reply.content_type = "application/json";
    reply.body = RenderStatus(server);
  } else {
    reply.status = MHD_HTTP_NOT_FOUND;
    reply.body =
        "not found; the paths are /, /metrics, /health, /ready, /status, /upstreams, /lookup and "
        "/explain\n";
  }
  return reply;
}

HttpServer::HttpServer(std::unique_ptr<Daemon> daemon, const Endpoint& local_endpoint)
    : daemon_(std::move(daemon)), local_endpoint_(local_endpoint) {}

HttpServer::~HttpServer() = default;

absl::StatusOr<UniqueFd> HttpServer::Bind(const Endpoint& endpoint, bool reuse_port) {
  if (endpoint.port() != 0 && !reuse_port) {
    RETURN_IF_ERROR(CheckEndpointFree(endpoint, SocketKind::kTcp));
  }
  return BindTcp(endpoint);
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Open(UniqueFd socket, const Server& server,
                                                             const HttpOptions& options) {
  const Endpoint local = LocalEndpoint(socket.get());
  auto daemon = std::make_unique<Daemon>(server, options);
  RETURN_IF_ERROR(Serve(*daemon, std::move(socket)));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(daemon), local));
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::OpenControl(UnixPath listener,
                                                                    Server& server,
                                                                    Operations& operations) {
  auto daemon = std::make_unique<Daemon>(server, HttpOptions());
  daemon->sources.control = &server;
  daemon->sources.commands = &operations;
  UniqueFd fd = listener.TakeFd();
  daemon->path.emplace(std::move(listener));
  RETURN_IF_ERROR(Serve(*daemon, std::move(fd)));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(daemon), Endpoint()));
}

absl::Status HttpServer::Serve(Daemon& daemon, UniqueFd fd) {
  daemon.handle = MHD_start_daemon(
      MHD_USE_EPOLL, 0, nullptr, nullptr, &OnRequest, &daemon.sources, MHD_OPTION_LISTEN_SOCKET,
      fd.get(), MHD_OPTION_CONNECTION_LIMIT, kMaxSockets, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      kConnectionMemoryBytes, MHD_OPTION_NOTIFY_CONNECTION, &OnConnection, &daemon.sources,
      MHD_OPTION_NOTIFY_COMPLETED, &OnRequestDone, &daemon.sources, MHD_OPTION_END);
  if (daemon.handle == nullptr || daemon.stop.get() < 0) {
    return absl::InternalError("cannot serve HTTP");
  }
  fd.release();  // The daemon closes it.
  daemon.thread = std::thread(&Daemon::Run, &daemon);
  return absl::OkStatus();
}

}  // namespace dotcache
