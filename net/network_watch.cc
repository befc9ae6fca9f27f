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

constexpr int kDatagramsPerCallback = 64;  // So that a flood starves neither timers nor queries.
constexpr int kBufferBytes = 1 << 20;      // Of news; less where the kernel allows less.
constexpr size_t kAnswerBytes = 8192;      // One route, its next hops and metrics.
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
    return Failure("no netlink socket");
  }
  return fd;
}

absl::StatusOr<UniqueFd> Subscribe() {
  ASSIGN_OR_RETURN(UniqueFd fd, OpenNetlink());
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kBufferBytes, sizeof kBufferBytes);
  for (const int group : kGroups) {
    if (setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
      return Failure("no news from the kernel");
    }
  }
  return fd;
}

// Receives a datagram of the kernel's; as recv(), with 0 for what another process sent.
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
  Impl(UvLoop& the_loop, const OutgoingOptions& outgoing_options, UniqueFd the_news,
       UniqueFd the_questions)
      : loop(the_loop),
        outgoing(outgoing_options),
        news(std::move(the_news)),
        questions(std::move(the_questions)) {}

  absl::Status Start(std::vector<Endpoint> peers,
                     absl::AnyInvocable<void(const NetworkChange&)> on_change);
  int StartReading();
  void ArmClock();
  void OnNews();
  void OnClockSet();
  NetworkPath FindPath(const Endpoint& peer);

  UvLoop& loop;
  const OutgoingOptions outgoing;
  UniqueFd news;
  UniqueFd questions;
  UniqueFd clock;
  UvHandle<uv_poll_t> news_poll;   // Closed before `news`.
  UvHandle<uv_poll_t> clock_poll;  // Closed before `clock`.
  uint32_t sequence = 0;
  std::unique_ptr<NetworkChanges> changes;
};

absl::Status NetworkWatch::Impl::Start(std::vector<Endpoint> peers,
                                       absl::AnyInvocable<void(const NetworkChange&)> on_change) {
  int code = news_poll.Open(
      this, [&](uv_poll_t* handle) { return uv_poll_init(loop.raw(), handle, news.get()); });
  if (code == 0) code = StartReading();
  if (code != 0) return absl::UnavailableError(uv_strerror(code));
  // Without it a suspend is noticed by what it does to the links.
  clock.reset(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  if (clock.valid() && clock_poll.Open(this, [&](uv_poll_t* handle) {
        return uv_poll_init(loop.raw(), handle, clock.get());
      }) == 0) {
    ArmClock();
  }
  changes = std::make_unique<NetworkChanges>(
      loop, std::move(peers),
      NetworkChanges::World{[this](const Endpoint& peer) { return FindPath(peer); },
                            &SuspendedTime},
      std::move(on_change));
  return absl::OkStatus();
}

int NetworkWatch::Impl::StartReading() {
  return uv_poll_start(news_poll.get(), UV_READABLE, [](uv_poll_t* handle, int, int) {
    if (Impl* self = OwnerOf<Impl>(handle)) self->OnNews();
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

// Also where libuv stopped polling because news were lost: recv() says so, and it goes on.
void NetworkWatch::Impl::OnNews() {
  NetworkEvents events;
  for (int i = 0; i < kDatagramsPerCallback; ++i) {
    const MutableBytes buffer = loop.read_buffer();
    const ssize_t size = Receive(news.get(), buffer);
    if (size >= 0) {
      events.Add(ReadNetworkEvents(buffer.first(static_cast<size_t>(size))));
    } else if (errno == ENOBUFS) {
      events.lost = true;
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      Log(LogLevel::kWarn, "changes of the network are not noticed any more",
          {{"cause", std::strerror(errno)}});
      news_poll.Reset();
      return changes->OnEnd();
    }
  }
  if (!uv_is_active(news_poll.as<uv_handle_t>())) StartReading();
  changes->OnEvents(events);
}

void NetworkWatch::Impl::OnClockSet() {
  uint64_t expirations = 0;
  static_cast<void>(read(clock.get(), &expirations, sizeof expirations));  // ECANCELED.
  ArmClock();
  static_cast<void>(loop.Now());  // So that the loop sees that its timers are late.
  changes->OnWakeUp();
}

// Where the kernel does not answer there is no way, now as before: no change. Not into the loop's
// buffer: this may be asked for while a stream up the stack still reads from there.
NetworkPath NetworkWatch::Impl::FindPath(const Endpoint& peer) {
  const WireMessage query = BuildRouteQuery(peer, outgoing, ++sequence);
  if (send(questions.get(), query.data(), query.size(), MSG_DONTWAIT) < 0) return {};
  std::array<uint8_t, kAnswerBytes> answer;
  for (;;) {
    const ssize_t size = Receive(questions.get(), absl::MakeSpan(answer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return {};
    std::optional<NetworkPath> path =
        ReadRouteAnswer(Bytes(answer).first(static_cast<size_t>(size)), sequence);
    if (!path.has_value()) continue;
    path->link_up = path->reachable && IsLinkUp(questions.get(), path->interface);
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
  ASSIGN_OR_RETURN(UniqueFd news, Subscribe());
  ASSIGN_OR_RETURN(UniqueFd questions, OpenNetlink());
  auto impl = std::make_unique<Impl>(loop, outgoing, std::move(news), std::move(questions));
  RETURN_IF_ERROR(impl->Start(std::move(peers), std::move(on_change)));
  return std::unique_ptr<NetworkWatch>(new NetworkWatch(std::move(impl)));
}

}  // namespace dotcache
