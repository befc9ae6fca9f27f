// SPDX-License-Identifier: Apache-2.0
// A UDP socket for datagrams to and from one peer.
#ifndef DOTCACHE_NET_UDP_CHANNEL_H_
#define DOTCACHE_NET_UDP_CHANNEL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "core/bytes.h"
#include "core/event_loop.h"
#include "net/byte_stream.h"
#include "net/endpoint.h"
#include "net/outgoing_socket.h"
#include "net/unique_fd.h"

namespace dotcache {

class UvLoop;

// Opens a UDP socket connected to `remote`, with the source and mark of `outgoing`. The error is
// kUnavailable without a route. It is kResourceExhausted when no descriptor, port or memory is
// left.
absl::StatusOr<UniqueFd> ConnectUdp(const Endpoint& remote, const OutgoingOptions& outgoing = {});

// A connected UDP socket with its own source port, which the kernel chooses at random. The kernel
// delivers only datagrams from the peer's address and port. It also reports a closed port (ICMP
// port unreachable).
//
// Bound to its loop's thread. Destroying the channel closes it at once. Inside its own callback,
// use EventLoop::DeferDelete(). The delegate is not called after that.
//
// Limits: one datagram per callback, so that a flood does not delay the loop's other objects. A
// datagram cannot be longer than the loop's read buffer.
class UdpChannel : public Deletable {
 public:
  // The owner, which must outlive the channel. The channel never calls it inside a call that the
  // owner made.
  class Delegate {
   public:
    virtual ~Delegate() = default;
    // A datagram arrived. The view is valid during the call.
    virtual void OnDatagram(Bytes datagram) = 0;
    // The peer cannot be reached: kConnectRefused, kUnreachable or kConnectFailed. The channel
    // cannot be used again. This is the last call.
    virtual void OnChannelError(StreamError error) = 0;
  };

  // Fails like ConnectUdp().
  static absl::StatusOr<std::unique_ptr<UdpChannel>> Open(UvLoop& loop, const Endpoint& remote,
                                                          Delegate& delegate,
                                                          const OutgoingOptions& outgoing = {});

  struct Impl;  // Defined in the source file only, so no other code can construct this class.
  explicit UdpChannel(std::unique_ptr<Impl> impl);
  ~UdpChannel() override;

  // Sends one datagram now. A datagram for which the kernel has no room is lost, as on the network.
  // Any other failure is reported in a later turn.
  void Send(Bytes datagram);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_UDP_CHANNEL_H_
