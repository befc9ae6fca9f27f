// SPDX-License-Identifier: Apache-2.0
#include "net/network_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "net/unique_fd.h"
#include "net/uv_loop.h"

namespace dotcache {
namespace {

void SwitchLoopback(bool on) {
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = static_cast<int16_t>(on ? IFF_UP : 0);
  ASSERT_EQ(ioctl(fd.get(), SIOCSIFFLAGS, &request), 0);
}

// Runs `function` in a thread with its own network namespace, whose only interface is a loopback
// that is down. False when this machine does not allow that.
bool RunInOwnNetwork(const std::function<void()>& function) {
  bool made = false;
  std::thread([&] {
    made = unshare(CLONE_NEWNET) == 0;
    if (made) function();
  }).join();
  return made;
}

TEST(NetworkWatchTest, ClosesItsDescriptors) {
  UvLoop loop;
  auto watch =
      NetworkWatch::Open(loop, {*Endpoint::Parse("127.0.0.1:853")}, {}, [](const auto&) {});
  if (!watch.ok()) GTEST_SKIP() << watch.status().message();
  loop.RunOnce();
}

// Runs `steps` in a new network namespace. Returns the indices of the peers whose route changed, in
// order. Returns nullopt if this machine does not allow a network namespace.
std::optional<std::vector<size_t>> ChangesOf(
    const std::vector<Endpoint>& peers, absl::FunctionRef<void(UvLoop&, NetworkWatch&)> steps) {
  std::vector<size_t> seen;
  const bool made = RunInOwnNetwork([&] {
    UvLoop loop;
    auto watch = NetworkWatch::Open(loop, peers, {}, [&](const NetworkChange& change) {
      EXPECT_FALSE(change.suspended);
      for (const NetworkChange::Peer& peer : change.peers) seen.push_back(peer.index);
      loop.Stop();
    });
    ASSERT_TRUE(watch.ok()) << watch.status();
    steps(loop, **watch);
  });
  return made ? std::make_optional(seen) : std::nullopt;
}

TEST(NetworkWatchTest, ReportsRoutesThatAppearAndVanish) {
  const auto seen =
      ChangesOf({*Endpoint::Parse("192.0.2.1:853"), *Endpoint::Parse("127.0.0.1:853")},
                [](UvLoop& loop, NetworkWatch&) {
                  SwitchLoopback(true);
                  loop.Run();
                  SwitchLoopback(false);
                  loop.Run();
                });
  if (!seen.has_value()) GTEST_SKIP() << "this machine does not allow a network namespace";
  EXPECT_THAT(*seen, testing::ElementsAre(1, 1));
}

// A stream may still be reading from the loop's buffer when a lookup is made.
TEST(NetworkWatchTest, DoesNotUseTheLoopsReadBuffer) {
  UvLoop loop;
  auto watch = NetworkWatch::Open(loop, {}, {}, [](const auto&) {});
  if (!watch.ok()) GTEST_SKIP() << watch.status().message();
  const MutableBytes buffer = loop.read_buffer();
  std::fill(buffer.begin(), buffer.end(), uint8_t{0xaa});
  (*watch)->SetPeers({*Endpoint::Parse("127.0.0.1:853")});
  EXPECT_EQ(std::count(buffer.begin(), buffer.end(), 0xaa),
            static_cast<std::ptrdiff_t>(buffer.size()));
}

TEST(NetworkWatchTest, KeepsPendingEventsWhenPeersAreReplaced) {
  const auto seen = ChangesOf(
      {*Endpoint::Parse("127.0.0.1:853"), *Endpoint::Parse("192.0.2.1:853")},
      [](UvLoop& loop, NetworkWatch& watch) {
        SwitchLoopback(true);
        loop.RunOnce();  // Reads the events without handling them yet.
        watch.SetPeers({*Endpoint::Parse("127.0.0.1:853"), *Endpoint::Parse("192.0.2.2:853")});
        loop.Run();
      });
  if (!seen.has_value()) GTEST_SKIP() << "this machine does not allow a network namespace";
  EXPECT_THAT(*seen, testing::ElementsAre(0));
}

}  // namespace
}  // namespace dotcache
