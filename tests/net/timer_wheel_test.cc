// SPDX-License-Identifier: Apache-2.0
#include "net/timer_wheel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

namespace dotcache {
namespace {

using ::testing::ElementsAre;

// Advances to each tick that the wheel requests, up to `until`. Returns when each node expired.
std::vector<uint64_t> ExpiryTicks(TimerWheel& wheel, uint64_t until) {
  std::vector<uint64_t> ticks;
  for (auto next = wheel.NextTick(); next.has_value() && *next <= until; next = wheel.NextTick()) {
    wheel.Advance(*next);
    while (wheel.PopExpired() != nullptr) ticks.push_back(*next);
  }
  return ticks;
}

TEST(TimerWheelTest, EmptyWheelHasNoNextTick) {
  TimerWheel wheel(1000);
  EXPECT_EQ(wheel.NextTick(), std::nullopt);
  wheel.Advance(5000);
  EXPECT_EQ(wheel.PopExpired(), nullptr);
}

TEST(TimerWheelTest, NodesOfAllLevelsExpireAtTheirTick) {
  TimerWheel wheel(63);
  std::vector<std::unique_ptr<TimerWheel::Node>> nodes;
  const std::vector<uint64_t> expiries = {64,        65,         127,           128,
                                          4095,      4096,       4097,          262'144,
                                          3'600'000, 86'400'000, 2'000'000'000, 1'000'000'000'000};
  for (auto it = expiries.rbegin(); it != expiries.rend(); ++it) {
    nodes.push_back(std::make_unique<TimerWheel::Node>());
    wheel.Arm(*nodes.back(), *it);
  }
  EXPECT_EQ(ExpiryTicks(wheel, TimerWheel::kMaxTick), expiries);
}

TEST(TimerWheelTest, JumpOverManyExpiriesReturnsThemInOrder) {
  TimerWheel wheel(0);
  TimerWheel::Node late, early, middle;
  wheel.Arm(late, 700'000);
  wheel.Arm(early, 3);
  wheel.Arm(middle, 90);
  wheel.Advance(1'000'000);
  EXPECT_EQ(wheel.PopExpired(), &early);
  EXPECT_EQ(wheel.PopExpired(), &middle);
  EXPECT_EQ(wheel.PopExpired(), &late);
  EXPECT_EQ(wheel.PopExpired(), nullptr);
}

TEST(TimerWheelTest, NeverExpiresBeforeItsTick) {
  TimerWheel wheel(10);
  TimerWheel::Node node;
  wheel.Arm(node, 5000);
  wheel.Advance(4999);
  EXPECT_EQ(wheel.PopExpired(), nullptr);
  EXPECT_TRUE(node.armed());
  wheel.Advance(5000);
  EXPECT_EQ(wheel.PopExpired(), &node);
  EXPECT_FALSE(node.armed());
}

TEST(TimerWheelTest, PastExpiryWaitsForTheNextAdvance) {
  TimerWheel wheel(100);
  TimerWheel::Node first, again;
  wheel.Arm(first, 7);
  EXPECT_EQ(wheel.NextTick(), 0u);
  wheel.Advance(100);
  EXPECT_EQ(wheel.NextTick(), 0u);
  ASSERT_EQ(wheel.PopExpired(), &first);
  wheel.Arm(first, 100);  // A callback may arm its own timer again like this.
  EXPECT_EQ(wheel.PopExpired(), nullptr);
  wheel.Advance(100);
  EXPECT_EQ(wheel.PopExpired(), &first);
}

TEST(TimerWheelTest, DisarmedNodeDoesNotExpireAndSetsNoNextTick) {
  TimerWheel wheel(0);
  TimerWheel::Node a, b, waiting;
  wheel.Arm(a, 50);
  wheel.Arm(b, 50);
  wheel.Disarm(a);
  EXPECT_EQ(wheel.NextTick(), 50u);
  wheel.Disarm(b);
  EXPECT_EQ(wheel.NextTick(), std::nullopt);

  wheel.Arm(a, 60);
  wheel.Arm(waiting, 60);
  wheel.Advance(60);
  ASSERT_EQ(wheel.PopExpired(), &a);
  wheel.Disarm(waiting);  // The callback of `a` may do this.
  EXPECT_EQ(wheel.PopExpired(), nullptr);
}

TEST(TimerWheelTest, UnpoppedNodesComeBeforeNodesThatExpireLater) {
  TimerWheel wheel(0);
  TimerWheel::Node a, b, c, later;
  for (TimerWheel::Node* node : {&a, &b, &c}) wheel.Arm(*node, 60);
  wheel.Arm(later, 61);
  wheel.Advance(60);
  ASSERT_EQ(wheel.PopExpired(), &a);
  EXPECT_EQ(wheel.NextTick(), 0u);
  wheel.Disarm(b);
  wheel.Advance(61);
  EXPECT_EQ(wheel.PopExpired(), &c);
  EXPECT_EQ(wheel.PopExpired(), &later);
  EXPECT_EQ(wheel.NextTick(), std::nullopt);
}

TEST(TimerWheelTest, ExpiriesAreLimitedToTheLastTick) {
  TimerWheel wheel(0);
  TimerWheel::Node node;
  wheel.Arm(node, UINT64_MAX);
  EXPECT_THAT(ExpiryTicks(wheel, UINT64_MAX), ElementsAre(TimerWheel::kMaxTick));
}

// Compares the wheel with a sorted map: random arming, disarming and steps of time.
TEST(TimerWheelTest, AgreesWithASortedMap) {
  std::mt19937_64 random(7);
  uint64_t now = 1'000'003;
  TimerWheel wheel(now);
  std::vector<std::unique_ptr<TimerWheel::Node>> nodes;
  for (int i = 0; i < 200; ++i) nodes.push_back(std::make_unique<TimerWheel::Node>());
  std::map<TimerWheel::Node*, uint64_t> armed;
  for (int step = 0; step < 20'000; ++step) {
    TimerWheel::Node* node = nodes[random() % nodes.size()].get();
    if (node->armed()) {
      wheel.Disarm(*node);
      armed.erase(node);
    } else {
      const uint64_t expiry = now + random() % (uint64_t{1} << (random() % 30));
      wheel.Arm(*node, expiry);
      armed[node] = expiry;
    }
    if (step % 3 != 0) continue;
    now += random() % (uint64_t{1} << (random() % 16));
    wheel.Advance(now);
    uint64_t last = 0;
    while (TimerWheel::Node* expired = wheel.PopExpired()) {
      ASSERT_EQ(armed.count(expired), 1u);
      ASSERT_LE(armed[expired], now);
      ASSERT_GE(std::max(armed[expired], last), last);
      last = std::max(last, armed[expired]);
      armed.erase(expired);
    }
    for (const auto& [rest, expiry] : armed) ASSERT_GT(expiry, now);
    uint64_t earliest = UINT64_MAX;
    for (const auto& [rest, expiry] : armed) earliest = std::min(earliest, expiry);
    const auto next = wheel.NextTick();
    ASSERT_EQ(next.has_value(), !armed.empty());
    if (next.has_value()) {
      ASSERT_LE(*next, earliest);
      ASSERT_GT(*next, now);
    }
  }
  for (const auto& [rest, expiry] : armed) wheel.Disarm(*rest);
}

}  // namespace
}  // namespace dotcache
