// SPDX-License-Identifier: Apache-2.0
// A blocking DNS client on loopback.
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

// One UDP socket, or one TCP or DoT connection, from plain system calls and GnuTLS: shares no code
// with what it tests. Whatever does not come within 10 s counts as not coming. Not thread-safe, but
// different clients may be used from different threads.
class DnsClient {
 public:
  // Connected, hence deaf to datagrams from another address than `server`.
  static std::unique_ptr<DnsClient> Udp(const Endpoint& server);
  // Null when the connection is refused.
  static std::unique_ptr<DnsClient> Tcp(const Endpoint& server);
  // Null when connection or handshake fail, or the certificate is not for kTestServerName by the
  // test CA.
  static std::unique_ptr<DnsClient> Dot(const Endpoint& server);
  virtual ~DnsClient() = default;

  // Sends a message, framed on a stream.
  void Send(const WireMessage& message);
  // Sends octets as they are, on a stream.
  virtual void SendOctets(Bytes octets) = 0;
  // Says that nothing more is sent (FIN, after close_notify over TLS).
  virtual void FinishSending() {}

  // The next whole message; nullopt at the end of the stream, or when none comes.
  virtual std::optional<WireMessage> Receive() = 0;
  // True when the server ends the connection without another octet.
  bool ReceiveEnd();

  // Sends and receives.
  std::optional<WireMessage> Exchange(const WireMessage& query);

 protected:
  explicit DnsClient(bool framed) : framed_(framed) {}
  bool at_end_ = false;

 private:
  const bool framed_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_DNS_CLIENT_H_
