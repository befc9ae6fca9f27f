// SPDX-License-Identifier: Apache-2.0
// Where replies go.
#ifndef DOTCACHE_SERVER_REPLY_SINK_H_
#define DOTCACHE_SERVER_REPLY_SINK_H_

#include <cstdint>

#include "core/bytes.h"
#include "dns/dns_types.h"
#include "net/udp_socket.h"

namespace dotcache {

// Names a client to its sink. A stream client is known by an id, since its connection may be gone
// when the reply is ready.
struct ReplyAddress {
  Transport transport = Transport::kUdp;
  UdpPeer peer;            // `remote` is set for streams too.
  uint64_t stream_id = 0;  // Streams only.
};

// A listener's way out. Bound to its loop's thread; outlives whoever holds a reference.
class ReplySink {
 public:
  virtual ~ReplySink() = default;

  // A buffer to write the reply into, valid until CommitReply() or the next reservation; empty when
  // the client is gone. At least min(65,535, what BuildReply may write) octets on streams,
  // UdpSocket::kMaxReply over UDP.
  virtual MutableBytes ReserveReply(const ReplyAddress& address) = 0;

  // Sends the first `size` octets of the reserved buffer; 0 sends nothing, but the client's query
  // counts as answered.
  virtual void CommitReply(const ReplyAddress& address, size_t size) = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_REPLY_SINK_H_
