// SPDX-License-Identifier: Apache-2.0
// The cost of UDP without DNS: the least that a reply from the cache can cost.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <utility>

#include "net/listen_socket.h"
#include "net/udp_socket.h"
#include "net/uv_loop.h"

namespace dotcache {
namespace {

class Echo : public UdpSocket::Delegate {
 public:
  void OnDatagram(Bytes datagram, bool, const UdpPeer& peer) override {
    std::memcpy(socket->ReserveReply().data(), datagram.data(), datagram.size());
    socket->CommitReply(peer, datagram.size());
  }
  UdpSocket* socket = nullptr;
};

// Sends `batch` datagrams of 56 octets to an echo server and receives them again. Client and server
// share one thread. An item is one datagram, with the work of both ends.
void EchoBatch(benchmark::State& state, const char* bind_to) {
  UvLoop loop;
  Echo echo;
  UniqueFd bound = *BindUdp(*Endpoint::Parse(bind_to));
  const auto port = LocalEndpoint(bound.get()).port();
  auto server = *UdpSocket::Open(loop, std::move(bound), echo);
  echo.socket = server.get();
  const UniqueFd client = *BindUdp(*Endpoint::Parse("127.0.0.1:0"));
  Endpoint to = *Endpoint::Parse("127.0.0.1:0");
  to.set_port(port);
  if (connect(client.get(), to.address(), to.address_size()) != 0) return;

  const auto batch = static_cast<unsigned int>(state.range(0));
  std::array<uint8_t, 56> query{};
  std::array<std::array<uint8_t, 64>, UdpSocket::kBatch> replies;
  iovec query_piece{query.data(), query.size()};
  std::array<iovec, UdpSocket::kBatch> reply_pieces;
  std::array<mmsghdr, UdpSocket::kBatch> queries{}, headers{};
  for (size_t i = 0; i < headers.size(); ++i) {
    queries[i].msg_hdr.msg_iov = &query_piece;
    queries[i].msg_hdr.msg_iovlen = 1;
    reply_pieces[i] = {replies[i].data(), replies[i].size()};
    headers[i].msg_hdr.msg_iov = &reply_pieces[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  for (auto _ : state) {
    sendmmsg(client.get(), queries.data(), batch, 0);
    loop.RunOnce();
    const int received = recvmmsg(client.get(), headers.data(), batch, MSG_DONTWAIT, nullptr);
    if (received != static_cast<int>(batch)) state.SkipWithError("a reply is missing");
  }
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK_CAPTURE(EchoBatch, address, "127.0.0.1:0")->Arg(1)->Arg(4)->Arg(16)->Arg(64);
BENCHMARK_CAPTURE(EchoBatch, wildcard, "0.0.0.0:0")->Arg(1)->Arg(64);

// The cost of an exchange's deadline: the timer is armed, and stopped by the response.
void TimerStartStop(benchmark::State& state) {
  UvLoop loop;
  auto timer = loop.NewTimer([] {});
  for (auto _ : state) {
    timer->Start(Milliseconds(2500));
    timer->Stop();
  }
}
BENCHMARK(TimerStartStop);

}  // namespace
}  // namespace dotcache
