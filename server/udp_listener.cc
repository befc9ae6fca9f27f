// SPDX-License-Identifier: Apache-2.0
#include "server/udp_listener.h"

#include <cassert>
#include <utility>

#include "core/status_macros.h"

namespace dotcache {

static_assert(kMaxUdpReply == UdpSocket::kMaxReply);

absl::StatusOr<std::unique_ptr<UdpListener>> UdpListener::Open(UvLoop& loop, UniqueFd fd,
                                                               size_t number,
                                                               WorkerCounters& counters) {
  auto listener = std::unique_ptr<UdpListener>(new UdpListener(number, counters));
  ASSIGN_OR_RETURN(listener->socket_, UdpSocket::Open(loop, std::move(fd), *listener));
  return listener;
}

void UdpListener::OnDatagram(Bytes datagram, bool cut, const UdpPeer& peer) {
  if (handler_ == nullptr) return;
  ReplyAddress address;
  address.client = peer.remote;
  address.local = peer.local;
  address.listener_key = listener_key_;
  address.listener = number_;
  if (gateways_ != nullptr) gateways_->Note(peer.remote);
  handler_->Handle(datagram, cut, address, *this);
}

MutableBytes UdpListener::ReserveReply([[maybe_unused]] const ReplyAddress& address) {
  assert(address.transport == Transport::kUdp);
  return socket_->ReserveReply();
}

void UdpListener::CommitReply(const ReplyAddress& address, size_t size) {
  if (size > 0) socket_->CommitReply({address.client, address.local}, size);
  counters_.udp_send_drops.Add(socket_->send_drops() - drops_counted_);
  drops_counted_ = socket_->send_drops();
}

}  // namespace dotcache
