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

// How a connection attempt or a connection ended, for health, counters and log lines.
enum class StreamError : uint8_t {
  kNone,
  kConnectRefused,  // ECONNREFUSED, or a reset during connect.
  kUnreachable,     // No route, no such address family on this machine.
  kOutOfResources,  // We have no descriptor or memory left.
  kConnectFailed,   // Any other failure to connect.
  kTlsHandshake,    // The TLS handshake failed for a reason other than the certificate.
  kTlsCertificate,  // The peer's certificate did not verify: name, trust, validity or pin.
  // The server refuses our certificate, or misses it; also on an open stream.
  kTlsClientCertificate,
  kTlsProtocol,    // A broken record, a fatal alert, renegotiation: after the handshake.
  kReset,          // ECONNRESET, EPIPE, ETIMEDOUT on an open connection.
  kWriteOverflow,  // The peer does not read and the write limit was reached.
};

absl::string_view StreamErrorName(StreamError error);

// A stream over which the owner exchanges octets with one peer. Bound to its loop's thread. The
// owner destroys it to close it at once; nothing is called afterwards. It may be destroyed inside a
// delegate callback only through EventLoop::DeferDelete(): what was written still leaves, and until
// the turn ends the delegate may be called again, so pause reading first.
class ByteStream : public Deletable {
 public:
  // The owner, which outlives the stream. No function is called inside a call into the stream.
  class Delegate {
   public:
    virtual ~Delegate() = default;
    // The stream is ready for octets: connected and, for TLS, peer authenticated.
    virtual void OnStreamOpen() = 0;
    // Octets from the peer; the view is valid during the call.
    virtual void OnStreamData(Bytes data) = 0;
    // The peer sends no more (FIN, or close_notify). Writing may still be possible.
    virtual void OnStreamEof() = 0;
    // What was queued fell to the low-water mark after pending_write_bytes() had passed the high
    // one.
    virtual void OnStreamWritable() {}
    // The stream failed and is of no more use. `detail` says why in words, for a log line. Last
    // call.
    virtual void OnStreamError(StreamError error, const std::string& detail) = 0;
  };

  // Queues octets; all that is written in one loop turn leaves in one system call; over TLS each
  // Write() is a record. Allowed before OnStreamOpen(): sent once open.
  virtual void Write(Bytes data) = 0;

  // Sends FIN (after close_notify for TLS) once everything queued has left. No Write() after it.
  virtual void ShutdownWrite() = 0;

  // Reading begins paused = false once open. While paused no OnStreamData() comes.
  virtual void SetReadPaused(bool paused) = 0;

  // Octets accepted by Write() and not yet taken by the kernel.
  virtual size_t pending_write_bytes() const = 0;

  // Of those, what the kernel has refused so far: its buffer is full, the peer does not read.
  virtual size_t refused_write_bytes() const { return 0; }
};

// Marks of pending_write_bytes(): OnStreamWritable() comes when it falls to the low one after it
// was above the high one; over the limit the stream fails with kWriteOverflow.
struct WriteMarks {
  size_t low = size_t{16} * 1024;
  size_t high = size_t{128} * 1024;
  size_t limit = size_t{1024} * 1024;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_BYTE_STREAM_H_
