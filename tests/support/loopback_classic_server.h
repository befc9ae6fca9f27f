// SPDX-License-Identifier: Apache-2.0
// A classic DNS server on 127.0.0.1, UDP and TCP on one port, that does what a test says.
#ifndef DOTCACHE_TESTS_SUPPORT_LOOPBACK_CLASSIC_SERVER_H_
#define DOTCACHE_TESTS_SUPPORT_LOOPBACK_CLASSIC_SERVER_H_

#include <functional>
#include <vector>

#include "core/bytes.h"
#include "dns/dns_types.h"
#include "net/endpoint.h"
#include "net/unique_fd.h"

namespace dotcache {

// A query as it came.
struct ClassicQuery {
  WireMessage wire;
  Transport transport = Transport::kUdp;  // kUdp or kTcp.
  Endpoint from;
};

// Messages to send back, in order; none: silence. Over TCP each gets its length in front.
using ClassicHandler = std::function<std::vector<WireMessage>(const ClassicQuery&)>;

// Without a thread: it works in Pump() alone, on the caller's.
class LoopbackClassicServer {
 public:
  explicit LoopbackClassicServer(ClassicHandler handler);

  Endpoint endpoint() const;
  void set_handler(ClassicHandler handler) { handler_ = std::move(handler); }

  // Takes and answers what has arrived.
  void Pump();

  // Sends a reply to a query that came over UDP earlier.
  void SendLate(const ClassicQuery& query, const WireMessage& reply);

  // Closes everything; whoever asks is refused. The port may become another's.
  void Stop();
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
  UniqueFd udp_;
  UniqueFd tcp_;
  std::vector<Stream> streams_;
  std::vector<ClassicQuery> queries_;
  int tcp_connections_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_LOOPBACK_CLASSIC_SERVER_H_
