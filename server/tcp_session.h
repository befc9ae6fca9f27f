// SPDX-License-Identifier: Apache-2.0
// One TCP or DoT client connection.
#ifndef DOTCACHE_SERVER_TCP_SESSION_H_
#define DOTCACHE_SERVER_TCP_SESSION_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "answer/query_handler.h"
#include "answer/reply_sink.h"
#include "core/event_loop.h"
#include "dns/stream_framer.h"
#include "net/byte_stream.h"
#include "server/server_options.h"

namespace dotcache {

// Limits for replies that a client does not read: the kernel's send buffer, and the write queue of
// our stream. Above the high mark no more queries of this client are handled. A reply of 64 KiB is
// always written whole.
inline constexpr int kClientSendBufferBytes = 64 * 1024;
inline constexpr WriteMarks kClientWriteMarks{
    .low = 4 * 1024, .high = 16 * 1024, .limit = 1024 * 1024};

// How far the TLS handshake of a DoT client is.
enum class HandshakeStep : uint8_t {
  kNothing,   // The client has sent nothing.
  kHello,     // The client has sent a part of its hello.
  kAnswered,  // The client has received the server's part.
  kDone,
};

// The memory of a handshake that the server has answered, besides the octets received: keys and
// the transcript.
inline constexpr size_t kAnsweredHandshakeBytes = size_t{8} * 1024;

// Reads queries from a stream and gives them to the handler. Writes the replies in the order in
// which they are ready (RFC 7766 sections 6.2.1.1 and 7). Bound to its loop's thread. Owned by a
// SessionTable, which must outlive it.
//
// - Reading pauses while max_queries_per_connection queries are unanswered, or above the high write
//   mark. Octets that were already read wait. They are one read, 64 KiB at most.
// - A TLS handshake has `tuning.handshake_timeout` from the accept to its end.
// - The session ends when no complete query arrives for stream_idle_timeout, even if single octets
//   arrive.
// - The session ends at once on a message without a reply, a broken frame or a lost connection.
// - After the client's FIN, the pending replies are still sent.
class TcpSession : public Deletable, private ByteStream::Delegate, private TurnEndHook {
 public:
  // The table that owns the session.
  class Owner {
   public:
    virtual ~Owner() = default;
    // The TLS handshake of a session has reached another step.
    virtual void OnHandshakeStep(uint64_t id, HandshakeStep step) = 0;
    // A complete message arrived, so this session is now the most active one.
    virtual void OnSessionActive(uint64_t id) = 0;
    // The octets that a session has received but not handled changed from `before` to `now`. The
    // owner may end any session inside this call, including this one.
    virtual void OnHeldBytes(size_t before, size_t now) = 0;
    // The session has ended. The owner passes it to EventLoop::DeferDelete().
    virtual void OnSessionOver(uint64_t id) = 0;
  };

  struct Environment {
    EventLoop& loop;
    QueryHandler& handler;
    ReplySink& sink;
    Owner& owner;
    const ServerLimits& limits;
  };

  // `address` holds the session's transport, peer and id.
  TcpSession(const Environment& environment, const ReplyAddress& address);
  ~TcpSession() override;

  // The delegate for the stream that the caller makes next.
  ByteStream::Delegate& stream_delegate() { return *this; }

  // Takes the stream and begins to read.
  // REQUIRES: called once, directly after construction.
  void Serve(std::unique_ptr<ByteStream> stream);

  // Sends a framed reply, including its length prefix. An empty one means that the query gets no
  // reply.
  void SendReply(Bytes framed);

  // Ends the session soon. Queries that have arrived, and the first one of a new session, are read.
  void Drain();

  // Ends the session at once. Nothing more is read, handled or sent.
  void End();

  uint64_t id() const { return address_.session_id; }

  // Octets of replies that the client has not read and that do not fit into the kernel's send
  // buffer.
  size_t unread_bytes() const { return stream_ == nullptr ? 0 : stream_->refused_write_bytes(); }

  // Octets that were received but not handled: an incomplete message, complete messages that wait
  // at a limit, and an unfinished TLS handshake.
  size_t held_bytes() const { return held_bytes_; }

  bool idle() const { return unanswered_ == 0; }  // No query waits for its reply.

 private:
  void OnStreamOpen() override;
  void OnStreamHandshake(size_t received, bool answered) override;
  void OnStreamData(Bytes data) override;
  void OnStreamEof() override;
  void OnStreamWritable() override;
  void OnStreamError(StreamError error, const std::string& detail) override;
  void OnTurnEnd() override;
  void OnTimer();

  bool AtLimit() const;
  void HandleMessage(Bytes message);
  void UpdateReading();
  void SetHandshakeStep(HandshakeStep step);
  void TellHeldBytes();
  void ContinueDrain();
  void CloseWhenFlushed();

  const Environment env_;
  ReplyAddress address_;  // Of the latest query.
  StreamFramer framer_;
  std::deque<WireMessage> backlog_;  // Messages that arrived at a limit.
  size_t backlog_bytes_ = 0;         // Includes the overhead of each message.
  size_t handshake_bytes_ = 0;       // Memory of the unfinished TLS handshake.
  size_t held_bytes_ = 0;            // The value last reported to the owner.
  HandshakeStep handshake_step_ = HandshakeStep::kNothing;
  int unanswered_ = 0;
  bool handling_ = false;           // The handler runs. `unanswered_` does not count its query.
  std::optional<int> drain_ticks_;  // After Drain(): how often the timer has fired.
  bool draining_ = false;           // EOF was received or the drain ends. No more queries are read.
  bool closing_ = false;            // ShutdownWrite() was called. The write queue is not empty yet.
  bool eof_ = false;                // The client has sent its FIN.
  bool over_ = false;               // OnSessionOver() was called.
  MonoTime linger_until_;  // While `closing_`: when the session ends if all replies were sent,
  MonoTime close_by_;      // and at the latest.
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<ByteStream> stream_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_TCP_SESSION_H_
