// Connections to upstream servers over DNS over TLS.
#ifndef DOTCACHE_UPSTREAM_DOT_CONNECTION_H_
#define DOTCACHE_UPSTREAM_DOT_CONNECTION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/random/random.h"
#include "dns/stream_framer.h"
#include "net/tls_stream.h"
#include "net/uv_loop.h"
#include "upstream/connection.h"
#include "upstream/message_id_pool.h"

namespace dotcache {

// One TLS connection with many queries on it (RFC 7858, 7766, 8310): nothing leaves before the
// server is authenticated; queries are padded to 128 octets (RFC 8467 section 4.1); responses come
// in any order and are matched by message ID and question (RFC 5452 section 9.1). What does not
// match is dropped, the third such message ends the connection, as does one that is no message at
// all. Without queries it is closed after the idle timeout, or what the server announced when that
// is less (RFC 7828); announced as 0, or after the maximum age, or when half of its message IDs
// wait for answers that nobody wants any more, it takes no new query and closes when drained.
// Bound to its loop's thread.
class DotConnection : public Connection, private ByteStream::Delegate {
 public:
  // What a connection needs from its connector. The references outlive it.
  struct Context {
    UvLoop& loop;
    const UpstreamLimits& limits;
    const TlsClientCredentials& credentials;
    TlsTicketStore& tickets;
    absl::BitGenRef random;
  };

  DotConnection(const Context& context, const UpstreamServerOptions& server,
                Connection::Delegate& delegate);
  ~DotConnection() override;

  void Send(const UpstreamQuery& query, AttemptId attempt) override;
  void Forget(AttemptId attempt) override;
  bool ready() const override { return ready_; }
  bool HasRoom() const override;
  int in_flight() const override { return wanted_; }
  MonoTime last_received() const override { return last_received_; }

 private:
  // A query whose response has not come.
  struct Pending {
    AttemptId attempt = 0;
    bool wanted = true;
    Question question;
  };

  void OnStreamOpen() override;
  void OnStreamData(Bytes data) override;
  void OnStreamEof() override;
  void OnStreamError(StreamError error, const std::string& detail) override;

  void OnMessage(Bytes message);
  AttemptResult ResultOf(Bytes message, const Question& question);
  void OnForeignMessage();
  void OnTimer();
  void WhenIdle();
  bool draining() const;
  void Close(UpstreamFailure failure, bool graceful, const std::string& detail);

  const Context context_;
  Connection::Delegate& delegate_;
  const MonoTime began_;
  bool ready_ = false;
  bool closed_ = false;
  bool told_to_close_ = false;  // The server announced a timeout of 0.
  int wanted_ = 0;              // Of `pending_`.
  int foreign_messages_ = 0;
  Duration idle_timeout_;
  MonoTime last_received_;
  std::string start_error_;  // Why there is no session at all.
  MessageIdPool ids_;
  absl::flat_hash_map<uint16_t, Pending> pending_;  // By message ID.
  StreamFramer framer_;
  std::unique_ptr<Timer> timer_;  // Connecting: the connect timeout. Idle: what is left of that.
  std::unique_ptr<TlsStream> stream_;
};

// Connects over DoT. Keeps the session tickets of each server. Bound to the loop's thread.
class DotConnector : public Connector {
 public:
  // `credentials` by server index. All that is pointed to outlives the connector, and the connector
  // its connections.
  DotConnector(UvLoop& loop, const UpstreamLimits& limits,
               std::vector<const TlsClientCredentials*> credentials);

  std::unique_ptr<Connection> Connect(const UpstreamServerOptions& server, int server_index,
                                      Connection::Delegate& delegate) override;

 private:
  UvLoop& loop_;
  const UpstreamLimits limits_;
  const std::vector<const TlsClientCredentials*> credentials_;
  std::vector<TlsTicketStore> tickets_;  // By server index; never resized.
  absl::BitGen random_;                  // Seeded by the kernel: message IDs cannot be guessed.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_DOT_CONNECTION_H_
