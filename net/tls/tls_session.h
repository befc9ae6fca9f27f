// SPDX-License-Identifier: Apache-2.0
// TLS as a codec: octets in, octets out, no socket.
#ifndef DOTCACHE_NET_TLS_TLS_SESSION_H_
#define DOTCACHE_NET_TLS_TLS_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "net/boot_clock.h"
#include "net/byte_stream.h"
#include "net/tls/tls_credentials.h"

namespace dotcache {

// Tickets for resuming sessions with one server: at most 4, each used once (RFC 8446 appendix C.4).
//
// A resumed session shows no certificate. A ticket is therefore usable for at most one day after
// the server's certificate was verified, and never after that certificate expires. Resuming does
// not prolong that time.
//
// A store belongs to one identity and one set of credentials. A change of either replaces the
// store. Sessions made before the change put their tickets into the old store, where no connection
// uses them. Bound to one loop's thread.
class TlsTicketStore {
 public:
  static constexpr Duration kMaxAge = std::chrono::hours(24);

  struct Ticket {
    std::string session_data;  // Empty: no ticket.
    MonoTime usable_until;
  };

  // Tests set `now`.
  explicit TlsTicketStore(MonoTime (*now)() = &BootTime) : now_(now) {}

  void Put(Ticket ticket);
  Ticket Take();  // Removes and returns the newest usable ticket.
  void Clear() { tickets_.clear(); }
  MonoTime Now() const { return now_(); }

 private:
  MonoTime (*now_)();
  std::vector<Ticket> tickets_;  // The newest is last.
};

// One TLS connection as a codec between cipher text and plain text. It has no socket, no loop and
// no callback. TLS 1.2 and 1.3, ALPN "dot", SNI, and strict verification of the server (RFC 8310).
// A TlsStream owns it. It shares ownership of its credentials and ticket store. Used by one thread
// at a time.
class TlsSession {
 public:
  enum class State { kHandshaking, kOpen, kPeerClosed, kFailed };

  // Makes a client session. With `tickets`, it tries to resume and keeps new tickets. `tickets` may
  // be null. Without `offer_alpn` it offers no protocol: some servers support only other protocols
  // and end the handshake with the alert no_application_protocol (kTlsAlpn).
  static absl::StatusOr<std::unique_ptr<TlsSession>> NewClient(
      std::shared_ptr<const TlsClientCredentials> credentials, const TlsPeerIdentity& identity,
      std::shared_ptr<TlsTicketStore> tickets, bool offer_alpn = true);
  // Makes a server session. It offers ALPN "dot" but does not require it, since RFC 7858 has no
  // ALPN.
  static absl::StatusOr<std::unique_ptr<TlsSession>> NewServer(
      std::shared_ptr<const TlsServerCredentials> credentials);

  struct Impl;  // Defined in the source file only, so no other code can construct this class.
  explicit TlsSession(std::unique_ptr<Impl> impl);
  ~TlsSession();

  // Processes octets from the network as far as possible. `sink` gets the plain text in pieces that
  // are valid during its call. A client's handshake starts with one call with empty octets.
  State Feed(Bytes cipher_text, absl::FunctionRef<void(Bytes)> sink);

  // Encrypts into records of up to 16 KiB. REQUIRES: state() == kOpen or kPeerClosed.
  State Write(Bytes plain_text);

  // Queues close_notify.
  void Close();

  // Cipher text to send. The caller sends all of it and clears it.
  WireMessage& output();

  State state() const;
  bool resumed() const;
  // Unix time at which the certificate expires that the server has shown in this handshake, even if
  // it is not accepted. 0: none.
  int64_t certificate_expiry() const;
  // True in a client that offered ALPN, or a ticket.
  bool offered_alpn() const;
  bool offered_ticket() const;
  // True when the peer has sent an octet.
  bool heard() const;
  // Words to append to the report of a connection that ended during a client's handshake: the
  // mistakes that may be the reason.
  std::string HandshakeHint() const;

  // True in a client that received a certificate request, until it receives data or a ticket. With
  // TLS 1.3, the client's handshake ends before the server has verified the client certificate.
  // Some servers that reject it close without an alert.
  bool awaits_verdict() const;

  // After kFailed: the kind of failure and its cause in words ("certificate has expired", ...). A
  // server that rejects or requires a client certificate may fail the session after kOpen.
  StreamError error() const;
  const std::string& error_detail() const;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TLS_TLS_SESSION_H_
