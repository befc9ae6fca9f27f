// SPDX-License-Identifier: Apache-2.0
// Connections to upstream servers over a stream: DNS over TLS, or TCP.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_STREAM_CONNECTION_H_
#define DOTCACHE_UPSTREAM_CONNECTION_STREAM_CONNECTION_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/random/bit_gen_ref.h"
#include "dns/stream_framer.h"
#include "net/byte_stream.h"
#include "net/tls/tls_credentials.h"
#include "net/tls/tls_session.h"
#include "net/tls/tls_stream.h"
#include "net/uv_loop.h"
#include "upstream/connection/connection.h"
#include "upstream/connection/idle_limit.h"
#include "upstream/connection/message_id_pool.h"

namespace dotcache {

// One connection with many queries on it (RFC 7766). Over TLS (RFC 7858, 8310) nothing leaves
// before the server is authenticated, and queries are padded to 128 octets (RFC 8467 section 4.1).
// Responses come in any order and are matched by message ID and question (RFC 5452 section 9.1).
// What does not match is dropped; octets that begin a message while no query is open end the
// connection, as does the hundredth message that does not match. Without queries it is closed after
// the idle timeout, or what the server announced (RFC 7828) or has shown when that is less;
// announced as 0, or after three quarters of the maximum age or more, drawn for each, since all are
// opened together and must not end together, or when 8192 of its message IDs wait for answers that
// nobody wants any more, or after three messages that did not match, it takes no new query and
// closes when drained: so a bad answer to one name costs no other name's. Limits:
// max_in_flight_per_connection queries that may still be answered in their usual time; those whose
// patience has ended take no place, so that names nobody answers do not fill the connection. Bound
// to its loop's thread.
class StreamConnection : public Connection, private ByteStream::Delegate {
 public:
  // What a connection needs from its connector. What is referred to outlives the connection.
  struct Context {
    UvLoop& loop;
    const UpstreamLimits& limits;
    absl::BitGenRef random;
    std::shared_ptr<const TlsClientCredentials> credentials;  // Null: plain TCP.
    std::shared_ptr<TlsTicketStore> tickets;                  // Null with `credentials`.
    IdleLimit& idle_limit;                                    // Of the server.
  };

  StreamConnection(const Context& context, const UpstreamServerOptions& server,
                   Connection::Delegate& delegate);
  ~StreamConnection() override;

  void Send(const UpstreamQuery& query, AttemptId attempt) override;
  void Forget(AttemptId attempt) override;
  void NoteOverdue(AttemptId attempt) override;
  void AskForSignOfLife() override;
  bool ready() const override { return ready_; }
  bool HasRoom() const override;
  int in_flight() const override { return wanted_; }
  bool draining() const override;
  void Retire() override;
  void CloseSoon() override;
  MonoTime last_received() const override { return last_received_; }

 private:
  // A query whose response has not come. There may be many: the name takes no more than its octets.
  struct Pending {
    AttemptId attempt = 0;
    bool wanted = false;
    bool overdue = false;
    QType qtype = QType::kNone;
    QClass qclass = QClass::kIn;
    WireMessage qname;

    Question question() const { return {DomainName::FromValidatedWire(qname), qtype, qclass}; }
  };

  uint16_t Write(const UpstreamQuery& query);

  void OnStreamOpen() override;
  void OnStreamData(Bytes data) override;
  void OnStreamEof() override;
  void OnStreamError(StreamError error, const std::string& detail) override;

  void OnMessage(Bytes message);
  void NoteKeepalive(const EdnsInfo& edns);
  void OnForeignMessage(Bytes message);
  void OnTimer();
  void WhenIdle();
  void NoteClosedByServer();
  bool WasRefused() const;
  void Close(UpstreamFailure failure, bool graceful, const std::string& detail);

  const Context context_;
  Connection::Delegate& delegate_;
  const MonoTime began_;
  const Duration max_age_;
  bool ready_ = false;
  bool closed_ = false;
  bool told_to_close_ = false;  // The server announced a timeout of 0.
  bool given_up_ = false;       // By the owner,
  bool retired_ = false;        // or only taken out of use.
  bool spoilt_ = false;         // Too much did not match.
  int wanted_ = 0;              // Of `pending_`;
  int overdue_ = 0;             // of those.
  int foreign_messages_ = 0;
  Duration idle_timeout_;  // What is configured or announced.
  std::optional<MonoTime> idle_since_;
  MonoTime last_received_;
  std::string start_error_;  // Why there is no session at all.
  MessageIdPool ids_;
  absl::flat_hash_map<uint16_t, Pending> pending_;         // By message ID.
  absl::flat_hash_map<AttemptId, uint16_t> id_of_wanted_;  // Message IDs.
  StreamFramer framer_;
  std::unique_ptr<Timer> timer_;  // Connecting: the connect timeout. Idle: what is left of that.
  std::unique_ptr<ByteStream> stream_;
  TlsStream* tls_ = nullptr;  // `stream_`, when it is TLS.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_STREAM_CONNECTION_H_
