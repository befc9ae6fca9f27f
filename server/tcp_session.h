// SPDX-License-Identifier: Apache-2.0
// One client connection, TCP or DoT.
#ifndef DOTCACHE_SERVER_TCP_SESSION_H_
#define DOTCACHE_SERVER_TCP_SESSION_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "core/event_loop.h"
#include "dns/stream_framer.h"
#include "net/byte_stream.h"
#include "server/query_handler.h"
#include "server/reply_sink.h"
#include "server/server_options.h"

namespace dotcache {

// How much a client may leave unread: what the kernel keeps for it, and what we do beyond that
// before no more of its queries are handled. A reply of 64 KiB is written whole.
inline constexpr int kClientSendBufferBytes = 64 * 1024;
inline constexpr WriteMarks kClientWriteMarks{
    .low = 4 * 1024, .high = 16 * 1024, .limit = 1024 * 1024};

// Reads queries from a stream, hands them to the handler and writes the replies, in whatever order
// they come (RFC 7766 sections 6.2.1.1 and 7). Bound to its loop's thread; owned by a SessionTable,
// which outlives it. Limits: at max_queries_per_connection unanswered queries, or above the write
// mark, reading pauses, and what was already read waits (at most one read, 64 KiB); without a whole
// query for stream_idle_timeout the session ends, whatever trickles in. A message that gets no
// reply, a broken frame or a lost peer ends it at once; after the client's FIN the replies still go
// out.
class TcpSession : public Deletable, private ByteStream::Delegate, private TurnEndHook {
 public:
  // The table the session lives in.
  class Owner {
   public:
    virtual ~Owner() = default;
    // A whole message arrived: the session is now the one idle the shortest.
    virtual void OnSessionActive(uint64_t id) = 0;
    // What a session holds that was read but not handled was `before` and is `now`. May end any
    // session, also this one.
    virtual void OnHeldBytes(size_t before, size_t now) = 0;
    // The session is over; the owner gives it to EventLoop::DeferDelete().
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

  // What the stream, made next, reports to.
  ByteStream::Delegate& stream_delegate() { return *this; }

  // Takes the stream and begins. REQUIRES: called once, right after construction.
  void Serve(std::unique_ptr<ByteStream> stream);

  // Sends a framed reply (length prefix included); empty means that there is none to send.
  void SendReply(Bytes framed);

  // Ends the session once its replies are out, reading no further.
  void Drain();

  // Ends the session at once: nothing more is read, handled or sent.
  void End();

  uint64_t id() const { return address_.stream_id; }

  // Octets of replies that the client does not read and the kernel does not take.
  size_t unread_bytes() const { return stream_ == nullptr ? 0 : stream_->refused_write_bytes(); }

  // What was read but not handled: the begun message, and what waits while at a limit.
  size_t held_bytes() const { return held_bytes_; }

  // No query waits for its reply.
  bool idle() const { return unanswered_ == 0; }

 private:
  void OnStreamOpen() override {}
  void OnStreamData(Bytes data) override;
  void OnStreamEof() override;
  void OnStreamWritable() override;
  void OnStreamError(StreamError error, const std::string& detail) override;
  void OnTurnEnd() override;
  void OnTimer();

  bool AtLimit() const;
  void HandleMessage(Bytes message);
  void UpdateReading();
  void TellHeldBytes();
  void CloseWhenFlushed();

  const Environment env_;
  const ReplyAddress address_;
  StreamFramer framer_;
  std::deque<WireMessage> backlog_;  // Read while at a limit.
  size_t backlog_bytes_ = 0;         // With what a message costs beside its octets.
  size_t held_bytes_ = 0;            // As told to the owner.
  int unanswered_ = 0;
  bool handling_ = false;  // Inside handler.Handle(): a reply now is not one that was waited for.
  bool draining_ = false;  // EOF seen or Drain() called: no more queries will be read.
  bool closing_ = false;   // ShutdownWrite() called; waiting for the queue to empty.
  bool over_ = false;      // The owner was told.
  MonoTime close_by_;      // While closing_: the end of patience.
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<ByteStream> stream_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_TCP_SESSION_H_
