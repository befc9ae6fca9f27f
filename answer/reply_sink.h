// SPDX-License-Identifier: Apache-2.0
// The interface through which replies leave.
#ifndef DOTCACHE_ANSWER_REPLY_SINK_H_
#define DOTCACHE_ANSWER_REPLY_SINK_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "dns/dns_types.h"
#include "net/endpoint.h"

namespace dotcache {

// Where the reply to a query goes. A value type: it stays valid when the client is gone.
struct ReplyAddress {
  Transport transport = Transport::kUdp;
  Endpoint client;
  // The source address of the reply, with its interface as zone. Set if a wildcard address received
  // the query over UDP.
  std::optional<Endpoint> local;
  // The listener, as access rules name it (ListenerKey).
  uint64_t listener_key = 0;
  // UDP only: which UDP listener received the query. All workers have the same listeners.
  size_t listener = 0;
  // Streams only: the connection, and which of its queries this is, counted from 1.
  uint64_t session_id = 0;
  uint64_t request_id = 0;
};

// The room for a reply over UDP.
inline constexpr size_t kMaxUdpReply = 4096;

// Sends the replies of one or more listeners. Bound to its loop's thread. Must outlive every object
// that holds a reference to it.
class ReplySink {
 public:
  virtual ~ReplySink() = default;

  // Returns a buffer for the reply, or an empty one if the client is gone. It is valid until
  // CommitReply() or the next ReserveReply(). On streams it has room for a reply of 65,535 octets,
  // over UDP for kMaxUdpReply octets.
  virtual MutableBytes ReserveReply(const ReplyAddress& address) = 0;

  // Sends the first `size` octets of the reserved buffer. If `size` is 0, nothing is sent, but the
  // query counts as answered.
  virtual void CommitReply(const ReplyAddress& address, size_t size) = 0;
};

// Finds the sink for a reply whose query another worker received or forwarded. Bound to its loop's
// thread.
class ReplySinks {
 public:
  virtual ~ReplySinks() = default;
  // Over UDP, the worker's own socket of the listener that received the query.
  virtual ReplySink& SinkFor(const ReplyAddress& address) = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_REPLY_SINK_H_
