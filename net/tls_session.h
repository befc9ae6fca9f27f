// SPDX-License-Identifier: Apache-2.0
// TLS as a codec.
#ifndef DOTCACHE_NET_TLS_SESSION_H_
#define DOTCACHE_NET_TLS_SESSION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "net/boot_clock.h"
#include "net/byte_stream.h"
#include "net/tls_credentials.h"

namespace dotcache {

// Session data kept for resumption of one server's sessions, each used once (RFC 8446 appendix
// C.4), at most 4. A resumed session shows no certificate, so none is resumed later than a day
// after the certificate was verified, however often it was resumed since, nor after that
// certificate has expired. Belongs to one identity and one set of credentials: when those change it
// is replaced, and what sessions of before still put into it goes with them. One loop's thread.
class TlsTicketStore {
 public:
  static constexpr Duration kMaxAge = std::chrono::hours(24);

  struct Ticket {
    std::string session_data;  // Empty: no ticket.
    MonoTime usable_until;
  };

  // `now` is for tests.
  explicit TlsTicketStore(MonoTime (*now)() = &BootTime) : now_(now) {}

  void Put(Ticket ticket);
  Ticket Take();  // The newest.
  MonoTime Now() const { return now_(); }

 private:
  MonoTime (*now_)();
  std::vector<Ticket> tickets_;  // Newest last.
};

// One TLS connection as a transformation of octets: cipher text in, plain text out, and back. No
// socket, no loop, no callback. TLS 1.2 and 1.3, ALPN "dot", SNI, strict verification (RFC 8310).
// Owned by a TlsStream; keeps the credentials and the ticket store that it was made with.
class TlsSession {
 public:
  enum class State { kHandshaking, kOpen, kPeerClosed, kFailed };

  // A client session. `tickets` may be null; else resumption is tried and new tickets are kept.
  static absl::StatusOr<std::unique_ptr<TlsSession>> NewClient(
      std::shared_ptr<const TlsClientCredentials> credentials, const TlsPeerIdentity& identity,
      std::shared_ptr<TlsTicketStore> tickets);
  // A server session, which offers ALPN "dot" and does not insist on it (RFC 7858 has no ALPN).
  static absl::StatusOr<std::unique_ptr<TlsSession>> NewServer(
      std::shared_ptr<const TlsServerCredentials> credentials);
  ~TlsSession();

  // Feeds octets from the network and moves on as far as they reach; plain text is given to `sink`
  // in pieces valid during the call. Call once with empty octets to start a client's handshake.
  State Feed(Bytes cipher_text, absl::FunctionRef<void(Bytes)> sink);

  // Encrypts. REQUIRES: state() == kOpen or kPeerClosed. Records of up to 16 KiB.
  State Write(Bytes plain_text);

  // Queues close_notify.
  void Close();

  // Cipher text to send; the caller takes it all and clears it.
  WireMessage& output();

  State state() const;
  bool resumed() const;

  // True in a client that was asked for a certificate and has heard nothing since: TLS 1.3 has it
  // open before the server has judged, and not every server says so when it refuses.
  bool awaits_verdict() const;

  // After kFailed: which kind, and the cause in words ("certificate has expired", ...). A client
  // whose own certificate the server refuses, or misses, may hear of it only after kOpen.
  StreamError error() const;
  const std::string& error_detail() const;

 private:
  struct Impl;
  explicit TlsSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TLS_SESSION_H_
