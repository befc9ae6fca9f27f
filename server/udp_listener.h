// SPDX-License-Identifier: Apache-2.0
// A UDP socket's queries to the handler, and replies back.
#ifndef DOTCACHE_SERVER_UDP_LISTENER_H_
#define DOTCACHE_SERVER_UDP_LISTENER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "net/udp_socket.h"
#include "server/query_handler.h"
#include "server/reply_sink.h"
#include "server/worker_counters.h"

namespace dotcache {

class UvLoop;

// One worker's socket on one UDP endpoint. Bound to its loop's thread; the handler and the counters
// outlive it, and the handler must be destroyed before it answers through a listener that is gone:
// the worker owns both and declares them so.
class UdpListener : public ReplySink, private UdpSocket::Delegate {
 public:
  static absl::StatusOr<std::unique_ptr<UdpListener>> Open(UvLoop& loop, UniqueFd fd,
                                                           WorkerCounters& counters);

  // Begins to hand queries to `handler`.
  void Serve(QueryHandler& handler) { handler_ = &handler; }

  // Takes no more queries; replies still leave.
  void StopReceiving() { socket_->StopReceiving(); }

  MutableBytes ReserveReply(const ReplyAddress& address) override;
  void CommitReply(const ReplyAddress& address, size_t size) override;

 private:
  explicit UdpListener(WorkerCounters& counters) : counters_(counters) {}
  void OnDatagram(Bytes datagram, bool cut, const UdpPeer& peer) override;

  WorkerCounters& counters_;
  QueryHandler* handler_ = nullptr;  // Not owned.
  uint64_t drops_counted_ = 0;       // Of socket_->send_drops(), how many counters_ has.
  std::unique_ptr<UdpSocket> socket_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_UDP_LISTENER_H_
