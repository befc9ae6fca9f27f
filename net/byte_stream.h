// SPDX-License-Identifier: Apache-2.0
// A reliable stream of octets: TCP, or TLS over TCP.
#ifndef DOTCACHE_NET_BYTE_STREAM_H_
#define DOTCACHE_NET_BYTE_STREAM_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/bytes.h"
#include "core/event_loop.h"

namespace dotcache {

// Why a connection attempt failed or a connection ended. Used for health, counters and log lines.
enum class StreamError : uint8_t {
  kNone,
  kConnectRefused,  // ECONNREFUSED, or a reset during connect.
  kUnreachable,     // No route, or this machine lacks the address family.
  kOutOfResources,  // This process has no descriptor or memory left.
  kConnectFailed,   // Any other failure to connect.
  kTlsHandshake,    // The TLS handshake failed for a reason other than the certificate.
  kTlsAlpn,         // The server knows none of the protocols that were offered (RFC 7301).
  kTlsCertificate,  // The peer's certificate did not verify: name, trust, validity or pin.
  // The server refuses our certificate, or requires one. Can also happen on an open stream.
  kTlsClientCertificate,
  kTlsProtocol,    // After the handshake: a bad record, a fatal alert or renegotiation.
  kReset,          // ECONNRESET, EPIPE, ETIMEDOUT on an open connection.
  kWriteOverflow,  // The peer does not read, and WriteMarks::limit was reached.
};

absl::string_view StreamErrorName(StreamError error);

// A stream on which the owner exchanges octets with one peer. Bound to its loop's thread. The owner
// destroys the stream to close it at once. The delegate is not called after that.
//
// Inside a delegate callback, destroy the stream only with EventLoop::DeferDelete(). Octets that
// were queued before are still sent. The delegate may still be called until the turn ends, so pause
// reading first.
class ByteStream : public Deletable {
 public:
  // The owner, which must outlive the stream. The stream never calls it inside a call that the
  // owner made.
  class Delegate {
   public:
    virtual ~Delegate() = default;
    // The stream is connected. For TLS, the peer is also authenticated.
    virtual void OnStreamOpen() = 0;
    // The TLS handshake of an accepted connection goes on. The peer has sent `received` octets so
    // far. `answered`: it has received the server's part.
    virtual void OnStreamHandshake(size_t /*received*/, bool /*answered*/) {}
    // Octets arrived from the peer. The view is valid during the call.
    virtual void OnStreamData(Bytes data) = 0;
    // The peer has ended its direction (FIN or close_notify). Writing may still be possible.
    virtual void OnStreamEof() = 0;
    // pending_write_bytes() fell to the low-water mark, after it was above the high-water mark.
    virtual void OnStreamWritable() {}
    // The stream failed and cannot be used again. `detail` gives the reason in words, for a log
    // line. This is the last call.
    virtual void OnStreamError(StreamError error, const std::string& detail) = 0;
  };

  // Queues octets. All octets written in one loop turn leave in one system call. Over TLS, each
  // Write() is a record of its own. A Write() before OnStreamOpen() is sent once the stream is
  // open.
  virtual void Write(Bytes data) = 0;

  // Sends FIN after all queued octets have left; for TLS, after close_notify. No Write() may
  // follow.
  virtual void ShutdownWrite() = 0;

  // Pauses or resumes reading. A stream starts unpaused. A paused stream calls no OnStreamData().
  virtual void SetReadPaused(bool paused) = 0;

  // Octets accepted by Write() that the kernel has not taken yet.
  virtual size_t pending_write_bytes() const = 0;

  // The part of pending_write_bytes() that the kernel has refused. Its buffer is full because the
  // peer does not read.
  virtual size_t refused_write_bytes() const { return 0; }
};

// Marks for pending_write_bytes(), in octets. OnStreamWritable() is called when the value falls to
// `low` after it was above `high`. A Write() that would exceed `limit` fails the stream with
// kWriteOverflow.
struct WriteMarks {
  size_t low = size_t{16} * 1024;
  size_t high = size_t{128} * 1024;
  size_t limit = size_t{1024} * 1024;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_BYTE_STREAM_H_
