// SPDX-License-Identifier: Apache-2.0
// The interface through which replies leave.
#ifndef DOTCACHE_ANSWER_REPLY_SINK_H_
#define DOTCACHE_ANSWER_REPLY_SINK_H_

#include <cstdint>

#include "core/bytes.h"
#include "dns/dns_types.h"
#include "net/udp_socket.h"

namespace dotcache {

// Identifies a client to its sink. A stream client has an id, because its connection may be gone
// when the reply is ready.
struct ReplyAddress {
  Transport transport = Transport::kUdp;
  UdpPeer peer;            // `remote` is also set for streams.
  uint64_t stream_id = 0;  // Streams only.
};

// Sends the replies of one or more listeners. Bound to its loop's thread. Must outlive every object
// that holds a reference to it.
class ReplySink {
 public:
  virtual ~ReplySink() = default;

  // Returns a buffer for the reply, or an empty one if the client is gone. It is valid until
  // CommitReply() or the next ReserveReply(). On streams it has room for a reply of 65,535 octets,
  // over UDP for UdpSocket::kMaxReply octets.
  virtual MutableBytes ReserveReply(const ReplyAddress& address) = 0;

  // Sends the first `size` octets of the reserved buffer. If `size` is 0, nothing is sent, but the
  // query counts as answered.
  virtual void CommitReply(const ReplyAddress& address, size_t size) = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_REPLY_SINK_H_
