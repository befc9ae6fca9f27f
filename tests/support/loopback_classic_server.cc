// SPDX-License-Identifier: Apache-2.0
#include "tests/support/loopback_classic_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "net/listen_socket.h"

namespace dotcache {
namespace {

Endpoint PeerOf(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&address));
}

}  // namespace

LoopbackClassicServer::LoopbackClassicServer(ClassicHandler handler)
    : handler_(std::move(handler)) {
  for (int tries = 0; tries < 100; ++tries) {
    udp_ = *BindUdp(*Endpoint::Parse("127.0.0.1:0"));
    endpoint_ = LocalEndpoint(udp_.get());
    auto tcp = BindTcp(endpoint_);
    if (!tcp.ok()) continue;
    tcp_ = *std::move(tcp);
    if (listen(tcp_.get(), 16) == 0) return;
  }
  std::abort();
}

void LoopbackClassicServer::Restart() { udp_ = *BindUdp(endpoint_); }

void LoopbackClassicServer::Pump() {
  if (udp_.valid()) PumpUdp();
  while (tcp_.valid()) {
    UniqueFd fd(accept4(tcp_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) break;
    ++tcp_connections_;
    streams_.push_back({std::move(fd), {}});
  }
  for (Stream& stream : streams_) PumpStream(stream);
}

void LoopbackClassicServer::PumpUdp() {
  uint8_t buffer[4096];
  while (true) {
    sockaddr_storage address{};
    socklen_t address_size = sizeof address;
    const ssize_t size = recvfrom(udp_.get(), buffer, sizeof buffer, MSG_DONTWAIT,
                                  reinterpret_cast<sockaddr*>(&address), &address_size);
    if (size < 0) return;
    queries_.push_back({WireMessage(buffer, buffer + size), Transport::kUdp,
                        Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&address))});
    for (const WireMessage& reply : handler_(queries_.back())) {
      sendto(udp_.get(), reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&address),
             address_size);
    }
  }
}

void LoopbackClassicServer::PumpStream(Stream& stream) {
  uint8_t buffer[4096];
  while (stream.fd.valid()) {
    const ssize_t size = recv(stream.fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (size == 0) stream.fd.reset();
    if (size <= 0) break;
    stream.received.insert(stream.received.end(), buffer, buffer + size);
  }
  while (stream.fd.valid() && stream.received.size() >= 2) {
    const size_t length = LoadU16(stream.received.data());
    if (stream.received.size() < 2 + length) return;
    const auto begin = stream.received.begin() + 2;
    queries_.push_back({WireMessage(begin, begin + static_cast<ptrdiff_t>(length)), Transport::kTcp,
                        PeerOf(stream.fd.get())});
    stream.received.erase(stream.received.begin(), begin + static_cast<ptrdiff_t>(length));
    for (const WireMessage& reply : handler_(queries_.back())) {
      WireMessage framed(2);
      StoreU16(framed.data(), static_cast<uint16_t>(reply.size()));
      framed.insert(framed.end(), reply.begin(), reply.end());
      send(stream.fd.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
    }
  }
}

void LoopbackClassicServer::SendLate(const ClassicQuery& query, const WireMessage& reply) {
  sendto(udp_.get(), reply.data(), reply.size(), 0, query.from.address(),
         query.from.address_size());
}

void LoopbackClassicServer::Stop() {
  StopTcp();
  udp_.reset();
}

void LoopbackClassicServer::StopTcp() {
  tcp_.reset();
  streams_.clear();
}

int LoopbackClassicServer::queries_over(Transport transport) const {
  return static_cast<int>(
      std::count_if(queries_.begin(), queries_.end(),
                    [transport](const ClassicQuery& q) { return q.transport == transport; }));
}

}  // namespace dotcache
