// SPDX-License-Identifier: Apache-2.0
// Decides which connections of the admin port have to close.
#ifndef DOTCACHE_ADMIN_HTTP_CONNECTIONS_H_
#define DOTCACHE_ADMIN_HTTP_CONNECTIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "net/endpoint.h"

namespace dotcache {

struct HttpConnectionLimits {
  size_t all = 48;
  size_t per_client = 16;
  // From the accept, or from the end of the request before, to the end of the request's response.
  Duration request_time = Seconds(10);
};

// The open connections of the admin port. A new connection always gets a place, so that a probe
// gets through: at a limit the connection that waits longest makes room. One client is an IPv4
// address, an IPv6 /64 or a link-local IPv6 address. Not thread-safe.
class HttpConnections {
 public:
  explicit HttpConnections(const HttpConnectionLimits& limits) : limits_(limits) {}

  // Adds a connection. Returns the socket that has to close to keep the limits; it is removed. At
  // the limit of the client it is one of this client, else one of the client with most connections.
  std::optional<int> Add(int socket, const Endpoint& client, MonoTime now);
  // The connection has sent a response, and may stay for another request.
  void RequestDone(int socket, MonoTime now);
  // Does nothing if the connection was removed before.
  void Remove(int socket);
  // Removes and returns the sockets whose time for a request is over.
  std::vector<int> TakeOverdue(MonoTime now);
  // When the next connection is overdue; nullopt if none is open.
  std::optional<MonoTime> NextDeadline() const;

 private:
  struct Connection {
    int socket;
    std::string client;
    MonoTime since;
  };
  size_t CountOf(const std::string& client) const;

  const HttpConnectionLimits limits_;
  std::vector<Connection> open_;  // The one that waits longest is first.
};

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_HTTP_CONNECTIONS_H_
