// SPDX-License-Identifier: Apache-2.0
#include "net/udp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <uv.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/listen_socket.h"
#include "net/uv_handle.h"
#include "net/uv_loop.h"

namespace dotcache {
namespace {

constexpr int kBatchesPerCallback = 4;  // A flood must not delay timers and other sockets.
// More than the receive buffer holds. If Deafen() fails, the queue may never be empty.
constexpr int kMaxLastBatches = 1024;
constexpr size_t kControlBytes = CMSG_SPACE(sizeof(in6_pktinfo));

// The arrays that recvmmsg() or sendmmsg() needs for one batch. Half a megabyte that is never
// moved.
struct Batch {
  Batch() {
    for (size_t i = 0; i < headers.size(); ++i) {
      pieces[i] = {octets[i].data(), octets[i].size()};
      headers[i] = {};
      headers[i].msg_hdr.msg_name = &addresses[i];
      headers[i].msg_hdr.msg_iov = &pieces[i];
      headers[i].msg_hdr.msg_iovlen = 1;
      headers[i].msg_hdr.msg_control = controls[i].octets;
    }
  }
  struct Control {
    alignas(cmsghdr) uint8_t octets[kControlBytes];
  };
  std::array<mmsghdr, UdpSocket::kBatch> headers;
  std::array<iovec, UdpSocket::kBatch> pieces;
  std::array<sockaddr_in6, UdpSocket::kBatch> addresses;
  std::array<Control, UdpSocket::kBatch> controls;
  std::array<std::array<uint8_t, UdpSocket::kMaxDatagram>, UdpSocket::kBatch> octets;
};
static_assert(UdpSocket::kMaxDatagram == UdpSocket::kMaxReply);

template <typename Info>
Info ControlData(const cmsghdr* control) {
  Info info;
  std::memcpy(&info, CMSG_DATA(control), sizeof info);
  return info;
}

template <typename Address>
Endpoint EndpointOf(const Address& address) {
  return Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&address));
}

// Reads the address to which the datagram was sent, from IP_PKTINFO (ip(7)) or IPV6_PKTINFO (RFC
// 3542 section 6).
void ReadLocalAddress(const msghdr& header, UdpPeer& peer) {
  for (const cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr;
       c = CMSG_NXTHDR(const_cast<msghdr*>(&header), const_cast<cmsghdr*>(c))) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      const auto info = ControlData<in_pktinfo>(c);
      sockaddr_in local{};
      local.sin_family = AF_INET;
      // Not ipi_addr, which can be a group or broadcast address.
      local.sin_addr = info.ipi_spec_dst;
      peer.local = EndpointOf(local);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      const auto info = ControlData<in6_pktinfo>(c);
      sockaddr_in6 local{};
      local.sin6_family = AF_INET6;
      local.sin6_addr = info.ipi6_addr;
      local.sin6_scope_id = info.ipi6_ifindex;
      // A multicast address is not usable as a source.
      if (!IN6_IS_ADDR_MULTICAST(&info.ipi6_addr)) peer.local = EndpointOf(local);
    }
  }
}

template <typename Info>
void WriteControl(msghdr& header, int level, int type, const Info& info) {
  header.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* control = CMSG_FIRSTHDR(&header);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(control), &info, sizeof info);
}

// Sends the reply from the address that received the query.
void WriteLocalAddress(const UdpPeer& peer, msghdr& header) {
  header.msg_controllen = 0;
  if (!peer.local.has_value()) return;
  if (peer.local->is_v6()) {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, peer.local->octets().data(), sizeof info.ipi6_addr);
    // For other addresses, routing selects the interface: the route back may differ.
    if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = peer.local->zone();
    WriteControl(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
  } else {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, peer.local->octets().data(), sizeof info.ipi_spec_dst);
    WriteControl(header, IPPROTO_IP, IP_PKTINFO, info);
  }
}

}  // namespace

struct UdpSocket::Impl {
  Impl(UvLoop& the_loop, UniqueFd the_fd, Delegate& the_delegate)
      : loop(the_loop), fd(std::move(the_fd)), delegate(the_delegate) {}

  int Start();
  void SetOptions();
  void OnReadable(int status);
  void ReceiveBatches(int most);
  bool ReceiveBatch();
  bool Deafen();
  void Deliver(int index);
  void Flush();

  UvLoop& loop;
  UniqueFd fd;
  Delegate& delegate;
  UvHandle<uv_poll_t> poll;  // Closed before `fd`.
  bool receiving = true;
  bool in_batch = false;  // Replies are sent when the batch ends and need no turn-end hook.
  int reply_count = 0;
  uint64_t send_drops = 0;
  // Allocated once. The memory is uninitialised, so unused pages cost nothing.
  std::unique_ptr<Batch> in{new Batch};
  std::unique_ptr<Batch> out{new Batch};
};

void UdpSocket::Impl::SetOptions() {
  EnlargeBuffers(fd.get());
  const Endpoint local = LocalEndpoint(fd.get());
  if (!local.is_wildcard()) return;
  const int on = 1;
  if (local.is_v6()) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  } else {
    setsockopt(fd.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  }
}

int UdpSocket::Impl::Start() {
  return uv_poll_start(poll.get(), UV_READABLE, [](uv_poll_t* handle, int status, int) {
    if (Impl* self = OwnerOf<Impl>(handle)) self->OnReadable(status);
  });
}

void UdpSocket::Impl::OnReadable(int status) {
  if (status < 0) {
    // libuv stopped polling because of an error on the socket, for example an ICMP message. Reading
    // the error clears it.
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (receiving) Start();
    return;
  }
  ReceiveBatches(kBatchesPerCallback);
}

void UdpSocket::Impl::ReceiveBatches(int most) {
  for (int i = 0; i < most && receiving; ++i) {
    in_batch = true;
    const bool more = ReceiveBatch();
    in_batch = false;
    Flush();
    if (!more) return;  // A short batch emptied the queue. Another call would return EAGAIN.
  }
}

bool UdpSocket::Impl::ReceiveBatch() {
  for (int i = 0; i < kBatch; ++i) {
    msghdr& header = in->headers[i].msg_hdr;
    header.msg_namelen = sizeof(sockaddr_in6);
    header.msg_controllen = kControlBytes;
  }
  const int count = recvmmsg(fd.get(), in->headers.data(), kBatch, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < count && receiving; ++i) Deliver(i);
  return count == kBatch;
}

void UdpSocket::Impl::Deliver(int index) {
  const mmsghdr& message = in->headers[index];
  UdpPeer peer;
  peer.remote = Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&in->addresses[index]));
  if (message.msg_hdr.msg_controllen != 0) ReadLocalAddress(message.msg_hdr, peer);
  delegate.OnDatagram(Bytes(in->octets[index].data(), message.msg_len),
                      (message.msg_hdr.msg_flags & MSG_TRUNC) != 0, peer);
}

// Connects the socket to its own address. A connected socket receives datagrams of its peer only,
// and SO_REUSEPORT does not select it for others. Datagrams that have arrived stay. Returns false
// if the kernel refuses, as it does without a loopback interface or while the address is gone.
bool UdpSocket::Impl::Deafen() {
  Endpoint peer = LocalEndpoint(fd.get());
  if (peer.is_wildcard()) {
    peer = *Endpoint::ParseAddress(peer.is_v6() ? "::1" : "127.0.0.1", peer.port());
  }
  return connect(fd.get(), peer.address(), peer.address_size()) == 0;
}

void UdpSocket::Impl::Flush() {
  int sent = 0;
  while (sent < reply_count) {
    const int count = sendmmsg(fd.get(), &out->headers[sent],
                               static_cast<unsigned int>(reply_count - sent), MSG_DONTWAIT);
    if (count > 0) {
      sent += count;
    } else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
      send_drops += static_cast<uint64_t>(reply_count - sent);
      break;
    } else if (errno != EINTR) {  // Only this destination failed.
      ++send_drops;
      ++sent;
    }
  }
  reply_count = 0;
}

UdpSocket::UdpSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

UdpSocket::~UdpSocket() {
  assert(impl_->loop.InLoopThread() && !impl_->in_batch);
  impl_->loop.CancelTurnEnd(*this);
}

absl::StatusOr<std::unique_ptr<UdpSocket>> UdpSocket::Open(UvLoop& loop, UniqueFd fd,
                                                           Delegate& delegate) {
  assert(loop.InLoopThread());
  auto impl = std::make_unique<Impl>(loop, std::move(fd), delegate);
  impl->SetOptions();
  int code = OpenPoll(impl->poll, loop.raw(), impl->fd.get(), impl.get());
  if (code == 0) code = impl->Start();
  if (code != 0) return CannotPoll("receive", impl->fd.get(), uv_strerror(code));
  return std::make_unique<UdpSocket>(std::move(impl));
}

MutableBytes UdpSocket::ReserveReply() {
  if (impl_->reply_count == kBatch) impl_->Flush();
  return absl::MakeSpan(impl_->out->octets[impl_->reply_count]);
}

void UdpSocket::CommitReply(const UdpPeer& peer, size_t size) {
  assert(impl_->loop.InLoopThread() && impl_->reply_count < kBatch && size <= kMaxReply);
  const int index = impl_->reply_count++;
  Batch& out = *impl_->out;
  std::memcpy(&out.addresses[index], peer.remote.address(), peer.remote.address_size());
  out.pieces[index].iov_len = size;
  msghdr& header = out.headers[index].msg_hdr;
  header.msg_namelen = peer.remote.address_size();
  WriteLocalAddress(peer, header);
  if (!impl_->in_batch) impl_->loop.RunAtTurnEnd(*this);
}

void UdpSocket::FinishReceiving() {
  assert(impl_->loop.InLoopThread() && !impl_->in_batch);
  if (!impl_->receiving) return;
  const bool deaf = impl_->Deafen();
  impl_->ReceiveBatches(kMaxLastBatches);
  if (deaf) StopReceiving();
}

void UdpSocket::StopReceiving() {
  assert(impl_->loop.InLoopThread());
  impl_->receiving = false;
  uv_poll_stop(impl_->poll.get());
}

uint64_t UdpSocket::send_drops() const { return impl_->send_drops; }

void UdpSocket::OnTurnEnd() { impl_->Flush(); }

}  // namespace dotcache
