// SPDX-License-Identifier: Apache-2.0
#include "net/network_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <uv.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/log.h"
#include "core/status_macros.h"
#include "net/boot_clock.h"
#include "net/unique_fd.h"
#include "net/uv_handle.h"
#include "net/uv_loop.h"

namespace dotcache {
namespace {

constexpr int kDatagramsPerCallback = 64;  // A flood must delay neither timers nor queries.
constexpr int kBufferBytes = 1 << 20;      // For events; less where the kernel allows less.
constexpr size_t kAnswerBytes = 8192;      // One route with its next hops and metrics.
constexpr time_t kNever = time_t{1} << 40;

constexpr rtnetlink_groups kGroups[] = {
    RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
    RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE};

absl::Status Failure(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

absl::StatusOr<UniqueFd> OpenNetlink() {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl self{};
  self.nl_family = AF_NETLINK;
  if (!fd.valid() || bind(fd.get(), reinterpret_cast<const sockaddr*>(&self), sizeof self) != 0) {
    return Failure("cannot open a netlink socket");
  }
  return fd;
}

absl::StatusOr<UniqueFd> Subscribe() {
  ASSIGN_OR_RETURN(UniqueFd fd, OpenNetlink());
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kBufferBytes, sizeof kBufferBytes);
  for (const int group : kGroups) {
    if (setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
      return Failure("cannot subscribe to network events of the kernel");
    }
  }
  return fd;
}

// Receives one datagram, as recv() does. Returns 0 for a datagram that another process sent.
ssize_t Receive(int fd, MutableBytes buffer) {
  sockaddr_nl from{};
  socklen_t from_size = sizeof from;
  const ssize_t size = recvfrom(fd, buffer.data(), buffer.size(), MSG_DONTWAIT,
                                reinterpret_cast<sockaddr*>(&from), &from_size);
  return size > 0 && from.nl_pid != 0 ? 0 : size;
}

bool IsLinkUp(int fd, int interface) {
  ifreq request{};
  request.ifr_ifindex = interface;
  if (ioctl(fd, SIOCGIFNAME, &request) != 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0) return false;
  constexpr int kUp = IFF_UP | IFF_RUNNING;
  return (request.ifr_flags & kUp) == kUp;
}

}  // namespace

struct NetworkWatch::Impl {
  Impl(UvLoop& the_loop, const OutgoingOptions& outgoing_options, UniqueFd the_event_socket,
       UniqueFd the_route_socket)
      : loop(the_loop),
        outgoing(outgoing_options),
        event_socket(std::move(the_event_socket)),
        route_socket(std::move(the_route_socket)) {}

  absl::Status Start(std::vector<Endpoint> peers,
                     absl::AnyInvocable<void(const NetworkChange&)> on_change);
  int StartReading();
  void ArmClock();
  void OnEventsReadable();
  void OnClockSet();
  NetworkPath FindPath(const Endpoint& peer);

  UvLoop& loop;
  const OutgoingOptions outgoing;
  UniqueFd event_socket;
  UniqueFd route_socket;
  UniqueFd clock;
  UvHandle<uv_poll_t> event_poll;  // Closed before `event_socket`.
  UvHandle<uv_poll_t> clock_poll;  // Closed before `clock`.
  uint32_t sequence = 0;
  std::unique_ptr<NetworkChanges> changes;
};

absl::Status NetworkWatch::Impl::Start(std::vector<Endpoint> peers,
                                       absl::AnyInvocable<void(const NetworkChange&)> on_change) {
  int code = OpenPoll(event_poll, loop.raw(), event_socket.get(), this);
  if (code == 0) code = StartReading();
  if (code != 0) return absl::UnavailableError(uv_strerror(code));
  // Without this timer, a suspend is detected by its effect on the links.
  clock.reset(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  if (clock.valid() && OpenPoll(clock_poll, loop.raw(), clock.get(), this) == 0) ArmClock();
  changes = std::make_unique<NetworkChanges>(
      loop, std::move(peers),
      NetworkChanges::World{[this](const Endpoint& peer) { return FindPath(peer); },
                            &SuspendedTime},
      std::move(on_change));
  return absl::OkStatus();
}

int NetworkWatch::Impl::StartReading() {
  return uv_poll_start(event_poll.get(), UV_READABLE, [](uv_poll_t* handle, int, int) {
    if (Impl* self = OwnerOf<Impl>(handle)) self->OnEventsReadable();
  });
}

void NetworkWatch::Impl::ArmClock() {
  itimerspec never{};
  never.it_value.tv_sec = kNever;
  timerfd_settime(clock.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr);
  uv_poll_start(clock_poll.get(), UV_READABLE, [](uv_poll_t* handle, int, int) {
    if (Impl* self = OwnerOf<Impl>(handle)) self->OnClockSet();
  });
}

// libuv stops polling after an error such as lost events. recv() then returns that error, and
// polling starts again.
void NetworkWatch::Impl::OnEventsReadable() {
  NetworkEvents events;
  for (int i = 0; i < kDatagramsPerCallback; ++i) {
    const MutableBytes buffer = loop.read_buffer();
    const ssize_t size = Receive(event_socket.get(), buffer);
    if (size >= 0) {
      events.Add(ReadNetworkEvents(buffer.first(static_cast<size_t>(size))));
    } else if (errno == ENOBUFS) {
      events.lost = true;
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      Log(LogLevel::kWarn, "network changes are no longer detected",
          {{"cause", std::strerror(errno)}});
      event_poll.Reset();
      return changes->OnEnd();
    }
  }
  if (!uv_is_active(event_poll.as<uv_handle_t>())) StartReading();
  changes->OnEvents(events);
}

void NetworkWatch::Impl::OnClockSet() {
  uint64_t expirations = 0;
  // Fails with ECANCELED.
  [[maybe_unused]] const ssize_t size = read(clock.get(), &expirations, sizeof expirations);
  ArmClock();
  static_cast<void>(loop.Now());  // Makes the loop see that its timers are late.
  changes->OnWakeUp();
}

// Without a reply of the kernel, the path counts as not reachable. A second failure is then no
// change. The loop's read buffer is not used, because a stream may still be reading from it.
NetworkPath NetworkWatch::Impl::FindPath(const Endpoint& peer) {
  const absl::StatusOr<Endpoint> current = peer.Current();
  if (!current.ok()) return {};
  const WireMessage query = BuildRouteQuery(*current, outgoing, ++sequence);
  if (send(route_socket.get(), query.data(), query.size(), MSG_DONTWAIT) < 0) return {};
  std::array<uint8_t, kAnswerBytes> answer;
  for (;;) {
    const ssize_t size = Receive(route_socket.get(), absl::MakeSpan(answer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return {};
    std::optional<NetworkPath> path =
        ReadRouteAnswer(Bytes(answer).first(static_cast<size_t>(size)), sequence);
    if (!path.has_value()) continue;
    path->link_up = path->reachable && IsLinkUp(route_socket.get(), path->interface);
    return *std::move(path);
  }
}

NetworkWatch::NetworkWatch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

NetworkWatch::~NetworkWatch() { assert(impl_->loop.InLoopThread()); }

void NetworkWatch::SetPeers(std::vector<Endpoint> peers) {
  impl_->changes->SetPeers(std::move(peers));
}

absl::StatusOr<std::unique_ptr<NetworkWatch>> NetworkWatch::Open(
    UvLoop& loop, std::vector<Endpoint> peers, const OutgoingOptions& outgoing,
    absl::AnyInvocable<void(const NetworkChange&)> on_change) {
  assert(loop.InLoopThread());
  ASSIGN_OR_RETURN(UniqueFd event_socket, Subscribe());
  ASSIGN_OR_RETURN(UniqueFd route_socket, OpenNetlink());
  auto impl =
      std::make_unique<Impl>(loop, outgoing, std::move(event_socket), std::move(route_socket));
  RETURN_IF_ERROR(impl->Start(std::move(peers), std::move(on_change)));
  return std::make_unique<NetworkWatch>(std::move(impl));
}

}  // namespace dotcache
