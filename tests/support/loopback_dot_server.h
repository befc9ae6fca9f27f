// SPDX-License-Identifier: Apache-2.0
// A scripted DoT server on 127.0.0.1.
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

// One action of the server on a query.
struct DotAction {
  enum class Kind {
    kMessage,  // Sends `octets` with a length prefix.
    kRaw,      // Sends `octets` without a length prefix: part of a message, or a wrong length.
    kClose,    // Sends close_notify and FIN.
    kReset,    // Sends RST.
  };
  Kind kind = Kind::kMessage;
  WireMessage octets = {};
  Milliseconds delay{0};  // Counted from the arrival of the query.
};

// A received query.
struct DotQuery {
  WireMessage wire;    // The message without its length prefix.
  int connection = 0;  // From 0, in the order of acceptance.
  int number = 0;      // From 0, per connection.
};

// Returns the actions for a query. They are carried out in the order of `delay`; those with equal
// delays keep their order. An empty list means no response. Called on the server's threads, one
// call at a time.
using DotHandler = std::function<std::vector<DotAction>(const DotQuery&)>;

// Returns a response with the ID and question of the query, QR and RA. AnswerTo() adds an A record
// with this address; ErrorTo() sets the RCODE.
WireMessage AnswerTo(Bytes query, absl::string_view dotted_quad = "192.0.2.1", uint32_t ttl = 300);
WireMessage ErrorTo(Bytes query, Rcode rcode);

// Returns a handler that answers every query with AnswerTo().
DotHandler AnswerEverything();

// Speaks TLS 1.2 and 1.3 with GnuTLS over blocking sockets, on threads of its own. Shares no code
// with the program. Listens from construction until destruction, except between Stop() and Start().
// Any thread may call its functions.
class LoopbackDotServer {
 public:
  struct Options {
    TestCertificate certificate = GetTestCertificates().server;
    DotHandler handler = AnswerEverything();
    bool stall_handshake = false;       // Accepts connections but sends nothing.
    std::string first_octets = {};      // If not empty, sends them instead of a handshake.
    bool tickets = true;                // Offers session resumption.
    bool break_off_resumption = false;  // Ends each handshake in which the client offers a ticket.
    bool needs_name = false;            // Ends each handshake without a server name (SNI).
    std::string alpn = "dot";           // Its only protocol. Another one is refused if it
    bool alpn_mandatory = false;        // is mandatory.
    bool alerts = true;                 // Sends an alert when it ends a handshake.
    bool everywhere = false;            // Listens on all addresses of this machine.
    std::string client_ca_file = {};    // If not empty, requires a client certificate of this CA.
  };

  LoopbackDotServer() : LoopbackDotServer(Options{}) {}
  explicit LoopbackDotServer(Options options);
  ~LoopbackDotServer();

  // 127.0.0.1 and a port. The port stays the same after Stop() and Start().
  Endpoint endpoint() const;

  // Sets the handler of later queries.
  void SetHandler(DotHandler handler);

  // Stop() closes all connections (FIN) and the listener, so that connections are refused. Start()
  // listens again. Earlier tickets stay valid.
  void Stop();
  void Start();

  // Ends all connections and still listens.
  void CloseConnections();
  void ResetConnections();

  struct Counts {
    int accepted = 0;
    int handshakes = 0;
    int resumptions = 0;
    int open = 0;
  };
  Counts counts() const;
  int connections() const { return counts().accepted; }
  int handshakes() const { return counts().handshakes; }  // Completed ones, also resumptions.
  int resumptions() const { return counts().resumptions; }
  int open_connections() const { return counts().open; }
  // Decrypted octets, of complete and incomplete queries.
  int64_t plain_octets() const;
  int queries() const;                            // Complete queries received so far.
  std::vector<WireMessage> query_octets() const;  // The queries in order of arrival.

  // Waits until at least `count` queries were received, or connections accepted. Returns false
  // after 10 s.
  bool WaitForQueries(int count) const;
  bool WaitForConnections(int count) const;
  // Waits until no connection is open. Returns false after 10 s.
  bool WaitForNoConnection() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_LOOPBACK_DOT_SERVER_H_
