// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/socket_connector.h"

#include <cassert>
#include <utility>

#include "upstream/connection/classic_connection.h"
#include "upstream/connection/stream_connection.h"

namespace dotcache {

SocketConnector::SocketConnector(UvLoop& loop, const UpstreamLimits& limits,
                                 Credentials credentials)
    : loop_(loop),
      limits_(limits),
      credentials_(credentials.size()),
      tickets_(credentials.size()),
      habits_(credentials.size()),
      endpoints_(credentials.size()) {
  for (size_t i = 0; i < credentials.size(); ++i) {
    if (credentials[i] != nullptr) UseCredentials(static_cast<int>(i), std::move(credentials[i]));
  }
}

void SocketConnector::Grow(size_t servers) {
  if (servers <= credentials_.size()) return;
  credentials_.resize(servers);
  tickets_.resize(servers);
  habits_.resize(servers);
  endpoints_.resize(servers);
}

void SocketConnector::UseCredentials(int server_index,
                                     std::shared_ptr<const TlsClientCredentials> credentials) {
  const size_t index = static_cast<size_t>(server_index);
  credentials_[index] = std::move(credentials);
  tickets_[index] = credentials_[index] == nullptr ? nullptr : std::make_shared<TlsTicketStore>();
}

void SocketConnector::ForgetTickets(int server_index) {
  const size_t index = static_cast<size_t>(server_index);
  if (credentials_[index] != nullptr) tickets_[index] = std::make_shared<TlsTicketStore>();
}

std::unique_ptr<Connection> SocketConnector::Connect(const UpstreamServerOptions& server,
                                                     int server_index,
                                                     Connection::Delegate& delegate) {
  const size_t index = static_cast<size_t>(server_index);
  if (std::exchange(endpoints_[index], server.endpoint) != server.endpoint) {
    // Tickets and habits of another address are not used for this one.
    ForgetTickets(server_index);
    habits_[index] = ServerHabits();
  }
  if (server.transport == Transport::kUdp) {
    return std::make_unique<ClassicConnection>(
        ClassicConnection::Context{loop_, limits_, random_, habits_[index], observer_}, server,
        delegate);
  }
  StreamConnection::Context context{loop_,   limits_,        random_,  nullptr,
                                    nullptr, habits_[index], observer_};
  if (server.transport == Transport::kDot) {
    assert(credentials_[index] != nullptr);
    context.credentials = credentials_[index];
    context.tickets = tickets_[index];
  }
  return std::make_unique<StreamConnection>(context, server, delegate);
}

}  // namespace dotcache
