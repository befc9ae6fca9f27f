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

// The upstream server as its options: authenticated by kTestServerName.
UpstreamServerOptions OptionsFor(const LoopbackDotServer& upstream);

// One worker on UDP, TCP and DoT at 127.0.0.1 and ports of the system's choice, with these servers
// for the root zone, asked in their order.
ServerOptions TestServerOptions(const std::vector<const LoopbackDotServer*>& upstreams);

// Created and started on construction, which fails the test when it cannot; stopped with it. For
// one thread.
class RunningServer {
 public:
  explicit RunningServer(const ServerOptions& options);

  Server& server() { return *server_; }

  // Where it listens.
  Endpoint endpoint(Transport transport) const;
  std::unique_ptr<DnsClient> Connect(Transport transport) const;

  // Asks as a new client does. An empty message when no answer comes.
  WireMessage Ask(Transport transport, const WireMessage& query) const;

  // Waits until an upstream server was reached.
  bool WaitUntilReady() const;

 private:
  std::unique_ptr<Server> server_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_RUNNING_SERVER_H_
