// SPDX-License-Identifier: Apache-2.0
#include "server/udp_listener.h"

#include <utility>

#include "core/status_macros.h"

namespace dotcache {

absl::StatusOr<std::unique_ptr<UdpListener>> UdpListener::Open(UvLoop& loop, UniqueFd fd,
                                                               WorkerCounters& counters) {
  auto listener = std::unique_ptr<UdpListener>(new UdpListener(counters));
  ASSIGN_OR_RETURN(listener->socket_, UdpSocket::Open(loop, std::move(fd), *listener));
  return listener;
}

void UdpListener::OnDatagram(Bytes datagram, bool cut, const UdpPeer& peer) {
  if (handler_ == nullptr) return;
  handler_->Handle(datagram, cut, {Transport::kUdp, peer, /*stream_id=*/0}, *this);
}

MutableBytes UdpListener::ReserveReply(const ReplyAddress&) { return socket_->ReserveReply(); }

void UdpListener::CommitReply(const ReplyAddress& address, size_t size) {
  if (size > 0) socket_->CommitReply(address.peer, size);
  counters_.udp_send_drops.Add(socket_->send_drops() - drops_counted_);
  drops_counted_ = socket_->send_drops();
}

}  // namespace dotcache
