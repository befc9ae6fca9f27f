// SPDX-License-Identifier: Apache-2.0
// Connections to upstream servers over a stream: DNS over TLS, or TCP.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_STREAM_CONNECTION_H_
#define DOTCACHE_UPSTREAM_CONNECTION_STREAM_CONNECTION_H_

#include <array>
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
#include "upstream/api/message_observer.h"
#include "upstream/connection/connection.h"
#include "upstream/connection/connection_history.h"
#include "upstream/connection/message_id_pool.h"
#include "upstream/connection/sent_query.h"
#include "upstream/connection/server_habits.h"

namespace dotcache {

// One connection with many queries on it (RFC 7766). Over TLS (RFC 7858, 8310) no query leaves
// before the server is authenticated, and queries are padded to 128 octets (RFC 8467 section 4.1).
// Responses come in any order. Message ID and question match them to queries (RFC 5452 section
// 9.1); a message that matches none is dropped. It drains, so that no query is lost, when
//   - the server announces an idle timeout of 0 (RFC 7828),
//   - three messages matched no query,
//   - it has reached its maximum age, drawn from the last quarter before `max_connection_age`, so
//     that connections opened together do not end together,
//   - 8192 of its message IDs wait for responses to forgotten attempts,
//   - it has carried as many queries as the server answers on one connection.
// A handshake that failed because of a session ticket or of ALPN begins again at once without it.
// It closes when it is idle for the idle timeout, or for the time that the server announced or has
// shown if that is less. It ends when octets come that begin a message while no query is open, and
// with the hundredth message that matches no query.
//
// Limits: max_in_flight_per_connection attempts that are not overdue, or one, and as many in all as
// the server has shown to answer. Bound to its loop's thread.
class StreamConnection : public Connection, private ByteStream::Delegate {
 public:
  // All of these outlive the connection, and so does `server`.
  struct Context {
    UvLoop& loop;
    const UpstreamLimits& limits;
    absl::BitGenRef random;
    std::shared_ptr<const TlsClientCredentials> credentials;  // Null: plain TCP.
    std::shared_ptr<TlsTicketStore> tickets;                  // Null with `credentials`.
    ServerHabits& habits;                                     // Of the server.
    MessageObserver* observer;                                // Null: no query is observed.
  };

  StreamConnection(const Context& context, const UpstreamServerOptions& server,
                   Connection::Delegate& delegate);
  ~StreamConnection() override;

  int64_t certificate_expiry() const override;
  AttemptTicket Send(const UpstreamQuery& query, AttemptId attempt) override;
  void Forget(AttemptTicket ticket) override;
  void NoteOverdue(AttemptTicket ticket) override;
  void NoteAnsweredElsewhere(AttemptTicket ticket) override;
  void AskForSignOfLife(const Question& question) override;
  bool HasRoom() const override;
  bool limited() const override;
  int capacity(int most) const override;
  bool may_drop() const override { return history_.IsDoubtful(); }
  void NoteReplaced() override { history_.NoteReplaced(); }
  PlacesInUse places(uint64_t client) const override { return places_.Used(client); }
  int in_flight() const override { return wanted_; }
  std::vector<AttemptId> attempts() const override;
  void Drain() override;
  void CloseSoon() override;

 private:
  using Purpose = SentQuery::Purpose;

  uint16_t Write(const UpstreamQuery& query, AttemptId attempt, Purpose purpose);
  void CountOut(const SentQuery& pending);

  void OnStreamOpen() override;
  void OnStreamData(Bytes data) override;
  void OnStreamEof() override;
  void OnStreamError(StreamError error, const std::string& detail) override;

  void OnMessage(Bytes message);
  void OnResponse(const SentQuery& pending, Bytes message);
  void NoteKeepalive(const EdnsInfo& edns);
  void OnForeignMessage(Bytes message);
  std::optional<AttemptId> AttemptMeantBy(Bytes message) const;
  void OnTimer();
  void WhenIdle();
  void ArmBy(MonoTime due);
  void NoteClosedByServer();
  bool WasRefused() const;
  void Begin();
  bool BeginAgain(StreamError error);
  void WriteQuery(uint16_t id, const UpstreamQuery& query);
  void WriteWaiting();
  Transport transport() const { return tls_ == nullptr ? Transport::kTcp : Transport::kDot; }
  void Close(UpstreamFailure failure, bool graceful, const std::string& detail);

  const Context context_;
  const UpstreamServerOptions& server_;
  Connection::Delegate& delegate_;
  const MonoTime began_;
  const MonoTime drains_at_;  // When it reaches its maximum age.
  Duration idle_timeout_;     // As configured or announced.
  MonoTime idle_since_;       // While no attempt waits.
  int wanted_ = 0;            // Attempts that wait for a response,
  int overdue_ = 0;           // and those of them that are overdue.
  ClientPlaces places_;       // Of the others.
  int foreign_messages_ = 0;
  bool ends_now_ = false;
  std::string end_detail_;  // Why it drains, or why there is no session.
  ConnectionHistory history_;
  MessageIdPool ids_;
  absl::flat_hash_map<uint16_t, SentQuery> pending_;  // By message ID, which is the ticket.
  StreamFramer framer_;
  std::unique_ptr<Timer> timer_;  // The connect timeout, then the idle timeout and the age.
  MonoTime timer_due_;
  std::unique_ptr<ByteStream> stream_;
  TlsStream* tls_ = nullptr;  // `stream_`, if it is TLS.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_STREAM_CONNECTION_H_
