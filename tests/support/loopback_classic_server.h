// SPDX-License-Identifier: Apache-2.0
// A scripted classic DNS server on 127.0.0.1, with UDP and TCP on one port.
#ifndef DOTCACHE_TESTS_SUPPORT_LOOPBACK_CLASSIC_SERVER_H_
#define DOTCACHE_TESTS_SUPPORT_LOOPBACK_CLASSIC_SERVER_H_

#include <functional>
#include <vector>

#include "core/bytes.h"
#include "dns/dns_types.h"
#include "net/endpoint.h"
#include "net/unique_fd.h"

namespace dotcache {

// A received query.
struct ClassicQuery {
  WireMessage wire;
  Transport transport = Transport::kUdp;  // kUdp or kTcp.
  Endpoint from;
};

// Returns the messages to send back, in order. An empty list means no response. Over TCP each
// message gets its length prefix.
using ClassicHandler = std::function<std::vector<WireMessage>(const ClassicQuery&)>;

// Has no thread: it works only inside Pump(), on the caller's thread.
class LoopbackClassicServer {
 public:
  explicit LoopbackClassicServer(ClassicHandler handler);

  const Endpoint& endpoint() const { return endpoint_; }
  void set_handler(ClassicHandler handler) { handler_ = std::move(handler); }

  // Receives and answers the queries that have arrived.
  void Pump();

  // Sends a response to an earlier UDP query.
  void SendLate(const ClassicQuery& query, const WireMessage& reply);

  // Closes all sockets. Later queries are refused. The kernel may give the port to another program.
  void Stop();
  // After Stop(): receives over UDP on the same port again.
  void Restart();
  void StopTcp();

  const std::vector<ClassicQuery>& queries() const { return queries_; }
  int queries_over(Transport transport) const;
  int tcp_connections() const { return tcp_connections_; }

 private:
  struct Stream {
    UniqueFd fd;
    WireMessage received;
  };

  void PumpUdp();
  void PumpStream(Stream& stream);

  ClassicHandler handler_;
  Endpoint endpoint_;
  UniqueFd udp_;
  UniqueFd tcp_;
  std::vector<Stream> streams_;
  std::vector<ClassicQuery> queries_;
  int tcp_connections_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_LOOPBACK_CLASSIC_SERVER_H_
