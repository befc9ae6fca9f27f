// SPDX-License-Identifier: Apache-2.0
// A bound UDP socket that receives and sends in batches.
#ifndef DOTCACHE_NET_UDP_SOCKET_H_
#define DOTCACHE_NET_UDP_SOCKET_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/bytes.h"
#include "core/event_loop.h"
#include "net/endpoint.h"
#include "net/unique_fd.h"

namespace dotcache {

class UvLoop;

// Who sent a datagram and which of our addresses it came to; a reply goes back the same way.
struct UdpPeer {
  Endpoint remote;
  // Set on wildcard sockets, from IP_PKTINFO / IPV6_PKTINFO: the reply's source address and, for
  // link-local IPv6, interface. Port unused.
  Endpoint local;
  uint32_t interface_index = 0;
  bool has_local = false;
};

// UDP over uv_poll with recvmmsg and sendmmsg (64 datagrams a call, up to 4 batches a callback).
// Bound to its loop's thread. Owns the descriptor. Limits: a datagram over kMaxDatagram octets is
// handed over cut to kMaxDatagram with `cut` set; a reply that the kernel does not take at once is
// dropped and counted. Not to be destroyed inside OnDatagram().
class UdpSocket : public TurnEndHook {
 public:
  static constexpr size_t kMaxDatagram = 4096;
  static constexpr size_t kMaxReply = 4096;
  static constexpr int kBatch = 64;

  // The owner, which outlives the socket.
  class Delegate {
   public:
    virtual ~Delegate() = default;
    // Views are valid during the call. The delegate may reply inside it.
    virtual void OnDatagram(Bytes datagram, bool cut, const UdpPeer& peer) = 0;
  };

  // Takes a bound, non-blocking UDP socket. `delegate` must outlive the result.
  static absl::StatusOr<std::unique_ptr<UdpSocket>> Open(UvLoop& loop, UniqueFd fd,
                                                         Delegate& delegate);
  ~UdpSocket() override;

  // A slot of kMaxReply octets to write the next reply into; it stays this socket's. Flushes when
  // no slot is free.
  MutableBytes ReserveReply();

  // Queues what was written into the reserved slot: `size` octets to `peer`. Replies leave at the
  // end of the receive batch or of the loop turn.
  void CommitReply(const UdpPeer& peer, size_t size);

  // Stops receiving; replies may still be sent.
  void StopReceiving();

  uint64_t send_drops() const;

  Endpoint local_endpoint() const;

 private:
  struct Impl;
  explicit UdpSocket(std::unique_ptr<Impl> impl);
  void OnTurnEnd() override;

  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_UDP_SOCKET_H_
