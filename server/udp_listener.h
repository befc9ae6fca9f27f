// SPDX-License-Identifier: Apache-2.0
// Passes the queries of a UDP socket to the handler, and sends the replies.
#ifndef DOTCACHE_SERVER_UDP_LISTENER_H_
#define DOTCACHE_SERVER_UDP_LISTENER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "answer/query_handler.h"
#include "answer/reply_sink.h"
#include "answer/worker_counters.h"
#include "net/udp_socket.h"
#include "server/gateway_watch.h"

namespace dotcache {

class UvLoop;

// One worker's socket on one UDP endpoint. Bound to its loop's thread. The counters must outlive
// it. It must outlive the handler, because the handler may send replies until its own destruction.
// The worker owns both and declares the listener first.
class UdpListener : public ReplySink, private UdpSocket::Delegate {
 public:
  // `number` is the ReplyAddress::listener of its queries.
  static absl::StatusOr<std::unique_ptr<UdpListener>> Open(UvLoop& loop, UniqueFd fd, size_t number,
                                                           WorkerCounters& counters);

  // Begins to pass queries to `handler`. `listener_key` is the ReplyAddress::listener_key of its
  // queries. `gateways` looks at their clients, unless it is null.
  void Serve(QueryHandler& handler, uint64_t listener_key = 0, GatewayWatch* gateways = nullptr) {
    handler_ = &handler;
    listener_key_ = listener_key;
    gateways_ = gateways;
  }

  // Receives no more queries. Replies are still sent. Queries that arrive wait in the socket.
  void StopReceiving() { socket_->StopReceiving(); }

  // Receives the queries that have arrived, and no more. Replies are still sent. Other sockets of
  // the endpoint get the queries that arrive later.
  void FinishReceiving() { socket_->FinishReceiving(); }

  MutableBytes ReserveReply(const ReplyAddress& address) override;
  void CommitReply(const ReplyAddress& address, size_t size) override;

 private:
  UdpListener(size_t number, WorkerCounters& counters) : number_(number), counters_(counters) {}
  void OnDatagram(Bytes datagram, bool cut, const UdpPeer& peer) override;

  const size_t number_;
  WorkerCounters& counters_;
  QueryHandler* handler_ = nullptr;  // Not owned.
  uint64_t listener_key_ = 0;
  GatewayWatch* gateways_ = nullptr;  // Not owned.
  // The part of socket_->send_drops() that `counters_` already includes.
  uint64_t drops_counted_ = 0;
  std::unique_ptr<UdpSocket> socket_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_UDP_LISTENER_H_
