// SPDX-License-Identifier: Apache-2.0
// A UDP socket that talks to one peer.
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

// A UDP socket connected to `remote`, made as `outgoing` says. kUnavailable where there is no way
// to it, kResourceExhausted without a descriptor, port or memory.
absl::StatusOr<UniqueFd> ConnectUdp(const Endpoint& remote, const OutgoingOptions& outgoing = {});

// A connected UDP socket with a source port of its own, which the kernel draws at random. The
// kernel hands over what comes from the peer's address and port alone, and tells when nobody
// listens there (ICMP port unreachable). Bound to its loop's thread. Destroying it closes it at
// once; inside its own callback it goes through EventLoop::DeferDelete(), and nothing is told any
// more. Limits: one datagram a callback, so that a flood starves nobody; what is longer than the
// loop's read buffer is cut, which no datagram is.
class UdpChannel : public Deletable {
 public:
  // The owner, which outlives the channel. No function is called inside a call into the channel.
  class Delegate {
   public:
    virtual ~Delegate() = default;
    // The view is valid during the call.
    virtual void OnDatagram(Bytes datagram) = 0;
    // The peer cannot be reached: kConnectRefused, kUnreachable or kConnectFailed. The channel is
    // of no more use. Last call.
    virtual void OnChannelError(StreamError error) = 0;
  };

  // Fails as ConnectUdp() does.
  static absl::StatusOr<std::unique_ptr<UdpChannel>> Open(UvLoop& loop, const Endpoint& remote,
                                                          Delegate& delegate,
                                                          const OutgoingOptions& outgoing = {});
  ~UdpChannel() override;

  // Sends one datagram now. What the kernel has no room for is lost, as it may be on the way; any
  // other failure is told in a later turn.
  void Send(Bytes datagram);

  Endpoint local_endpoint() const;

 private:
  struct Impl;
  explicit UdpChannel(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_UDP_CHANNEL_H_
