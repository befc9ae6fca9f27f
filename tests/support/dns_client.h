// SPDX-License-Identifier: Apache-2.0
// A blocking DNS client for loopback.
#ifndef DOTCACHE_TESTS_SUPPORT_DNS_CLIENT_H_
#define DOTCACHE_TESTS_SUPPORT_DNS_CLIENT_H_

#include <memory>
#include <optional>
#include <string>

#include "core/bytes.h"
#include "core/clock.h"
#include "net/endpoint.h"
#include "tests/support/test_certificates.h"

namespace dotcache {

// One UDP socket, or one TCP or DoT connection. Uses only system calls and GnuTLS, so that it
// shares no code with the program. Waits 10 s at most. Not thread-safe, but different clients may
// be used on different threads.
class DnsClient {
 public:
  // The socket is connected, so it receives datagrams from `server` only.
  static std::unique_ptr<DnsClient> Udp(const Endpoint& server);
  // Returns null if the connection is refused.
  static std::unique_ptr<DnsClient> Tcp(const Endpoint& server);
  // Returns null if the connection or the handshake fails, or if the certificate is not one of the
  // test CA for kTestServerName.
  static std::unique_ptr<DnsClient> Dot(const Endpoint& server);
  virtual ~DnsClient() = default;

  // Sends a message. On a stream it is framed.
  void Send(const WireMessage& message);
  // Sends octets unchanged on a stream.
  virtual void SendOctets(Bytes octets) = 0;
  // Ends the sending side: FIN, and over TLS close_notify before it.
  virtual void FinishSending() {}

  // Returns the next complete message, or std::nullopt at the end of the stream or after 10 s.
  virtual std::optional<WireMessage> Receive() = 0;
  // Returns true if the server ends the connection without sending another octet.
  bool ReceiveEnd();

  // Sends a query and receives the reply.
  std::optional<WireMessage> Exchange(const WireMessage& query);

 protected:
  explicit DnsClient(bool framed) : framed_(framed) {}
  bool at_end_ = false;

 private:
  const bool framed_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_DNS_CLIENT_H_
