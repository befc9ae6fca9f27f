// SPDX-License-Identifier: Apache-2.0
// A whole server in the test's process, on loopback.
#ifndef DOTCACHE_TESTS_SUPPORT_RUNNING_SERVER_H_
#define DOTCACHE_TESTS_SUPPORT_RUNNING_SERVER_H_

#include <memory>
#include <vector>

#include "server/server.h"
#include "tests/support/dns_client.h"
#include "tests/support/loopback_dot_server.h"

namespace dotcache {

// Returns the options for this upstream server, authenticated by kTestServerName.
UpstreamServerOptions OptionsFor(const LoopbackDotServer& upstream);

// Returns options for one worker that listens on UDP, TCP and DoT at 127.0.0.1 and free ports. The
// root zone has these servers, used in this order.
ServerOptions TestServerOptions(const std::vector<const LoopbackDotServer*>& upstreams);

// Starts a server in the constructor and stops it in the destructor. Fails the test if it cannot
// start. For one thread only.
class RunningServer {
 public:
  explicit RunningServer(const ServerOptions& options);

  Server& server() { return *server_; }

  // The endpoint of the listener for `transport`.
  Endpoint endpoint(Transport transport) const;
  std::unique_ptr<DnsClient> Connect(Transport transport) const;

  // Sends a query as a new client. Returns an empty message if no reply arrives.
  WireMessage Ask(Transport transport, const WireMessage& query) const;

  // Waits until an upstream server is connected.
  bool WaitUntilReady() const;

 private:
  std::unique_ptr<Server> server_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_RUNNING_SERVER_H_
