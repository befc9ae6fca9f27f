// SPDX-License-Identifier: Apache-2.0
// A bound UDP socket that receives and sends in batches.
#ifndef DOTCACHE_NET_UDP_SOCKET_H_
#define DOTCACHE_NET_UDP_SOCKET_H_

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "core/bytes.h"
#include "core/event_loop.h"
#include "net/endpoint.h"
#include "net/unique_fd.h"

namespace dotcache {

class UvLoop;

// The source of a datagram, and the local address that received it. The reply goes back the same
// way.
struct UdpPeer {
  Endpoint remote;
  // Set on wildcard sockets from IP_PKTINFO or IPV6_PKTINFO. It is the reply's source address. Its
  // zone is the interface. The port is unused.
  std::optional<Endpoint> local;
};

// A UDP socket over uv_poll, recvmmsg and sendmmsg: 64 datagrams per call, up to 4 batches per
// callback. Bound to its loop's thread. Owns the descriptor. Do not destroy it inside OnDatagram().
//
// Limits: a datagram over kMaxDatagram octets is truncated to that size and delivered with `cut`
// set. A reply that the kernel does not accept at once is dropped and counted.
class UdpSocket : public TurnEndHook {
 public:
  static constexpr size_t kMaxDatagram = 4096;
  static constexpr size_t kMaxReply = 4096;
  static constexpr int kBatch = 64;

  // The owner; it must outlive the socket.
  class Delegate {
   public:
    virtual ~Delegate() = default;
    // A datagram arrived. The view is valid during the call. The delegate may reply inside it.
    virtual void OnDatagram(Bytes datagram, bool cut, const UdpPeer& peer) = 0;
  };

  // Takes a bound, non-blocking UDP socket. `delegate` must outlive the result.
  static absl::StatusOr<std::unique_ptr<UdpSocket>> Open(UvLoop& loop, UniqueFd fd,
                                                         Delegate& delegate);

  struct Impl;  // Defined in the source file only, so no other code can construct this class.
  explicit UdpSocket(std::unique_ptr<Impl> impl);
  ~UdpSocket() override;

  // Returns a slot of kMaxReply octets for the next reply. The socket owns the slot. When no slot
  // is free, all queued replies are sent first.
  MutableBytes ReserveReply();

  // Queues the first `size` octets of the reserved slot as a reply to `peer`. Replies leave at the
  // end of the receive batch or of the loop turn.
  void CommitReply(const UdpPeer& peer, size_t size);

  // Stops receiving; replies may still be sent. Datagrams that arrive wait in the kernel.
  void StopReceiving();

  // Receives what has arrived, and stops. The kernel gives later datagrams to another socket of the
  // address. Without one, it replies to their senders that the port is closed. Replies may still be
  // sent. If the kernel refuses this, receives until the socket ends. Do not call it inside
  // OnDatagram().
  void FinishReceiving();

  uint64_t send_drops() const;

 private:
  void OnTurnEnd() override;

  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_UDP_SOCKET_H_
