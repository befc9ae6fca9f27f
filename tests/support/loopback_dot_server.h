// SPDX-License-Identifier: Apache-2.0
// A DoT server on 127.0.0.1 that does what a test says.
#ifndef DOTCACHE_TESTS_SUPPORT_LOOPBACK_DOT_SERVER_H_
#define DOTCACHE_TESTS_SUPPORT_LOOPBACK_DOT_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "dns/dns_types.h"
#include "net/endpoint.h"
#include "tests/support/test_certificates.h"

namespace dotcache {

// One thing that the server does about a query.
struct DotAction {
  enum class Kind {
    kMessage,  // Sends `octets` behind their length.
    kRaw,      // Sends `octets` as they are: half a message, a length that lies.
    kClose,    // close_notify and FIN.
    kReset,    // RST.
  };
  Kind kind = Kind::kMessage;
  WireMessage octets = {};
  Milliseconds delay{0};  // Since the query arrived.
};

// A query as it came out of TLS.
struct DotQuery {
  WireMessage wire;    // Every octet behind the length.
  int connection = 0;  // Connections count from 0 in the order of their acceptance.
  int number = 0;      // Queries of this connection count from 0.
};

// What to do about a query, carried out by `delay`, ties in order; nothing: silence. Called on the
// server's threads, one call at a time.
using DotHandler = std::function<std::vector<DotAction>(const DotQuery&)>;

// The query's ID and question back with QR and RA; an A record with this address when NOERROR.
WireMessage AnswerTo(Bytes query, absl::string_view dotted_quad = "192.0.2.1", uint32_t ttl = 300);
WireMessage ErrorTo(Bytes query, Rcode rcode);

// Answers every query with AnswerTo().
DotHandler AnswerEverything();

// Real TLS 1.2 and 1.3 from GnuTLS over blocking sockets in threads of its own, sharing no code
// with what it tests. Listens from construction until destruction, but for Stop(). Its functions
// are for any thread.
class LoopbackDotServer {
 public:
  struct Options {
    TestCertificate certificate = GetTestCertificates().server;
    DotHandler handler = AnswerEverything();
    bool stall_handshake = false;     // Accepts, then says nothing.
    bool tickets = true;              // Offers session resumption.
    bool alerts = true;               // Says why it ends a handshake.
    bool everywhere = false;          // Listens on every address of this machine.
    std::string client_ca_file = {};  // Not empty: requires a client certificate of this CA.
  };

  LoopbackDotServer() : LoopbackDotServer(Options{}) {}
  explicit LoopbackDotServer(Options options);
  ~LoopbackDotServer();

  // 127.0.0.1 and a port that stays the same through Stop() and Start().
  Endpoint endpoint() const;

  // For queries from now on.
  void SetHandler(DotHandler handler);

  // Closes all connections (FIN) and the listener, so that connecting is refused; and opens it
  // again. Tickets of before stay good.
  void Stop();
  void Start();

  // Ends all connections but goes on listening.
  void CloseConnections();
  void ResetConnections();

  int connections() const;  // TCP connections accepted so far.
  int handshakes() const;   // TLS handshakes completed so far, resumed ones included.
  int resumptions() const;
  int open_connections() const;
  int queries() const;                            // Whole queries received so far.
  std::vector<WireMessage> query_octets() const;  // Of each of them, in order of arrival.
  // Octets that came out of TLS, whole queries or not.
  int64_t plain_octets() const;

  // Waits until at least this many queries have come (or connections were accepted); false when
  // they have not within 10 s.
  bool WaitForQueries(int count) const;
  bool WaitForConnections(int count) const;
  // Waits until no connection is open.
  bool WaitForNoConnection() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_LOOPBACK_DOT_SERVER_H_
