// SPDX-License-Identifier: Apache-2.0
#include "tests/support/simulated_loop.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using ::testing::ElementsAre;

struct Hook : TurnEndHook {
  explicit Hook(std::vector<std::string>& out) : events(out) {}
  void OnTurnEnd() override { events.push_back("hook"); }
  std::vector<std::string>& events;
};

struct Noisy : Deletable {
  explicit Noisy(std::vector<std::string>& out) : events(out) {}
  ~Noisy() override { events.push_back("deleted"); }
  std::vector<std::string>& events;
};

TEST(SimulatedLoopTest, TimersFireInOrderAtTheirExpiry) {
  SimulatedLoop loop;
  const MonoTime start = loop.Now();
  std::vector<Duration> fired;
  auto late = loop.NewTimer([&fired, &loop, start] { fired.push_back(loop.Now() - start); });
  auto early = loop.NewTimer([&fired, &loop, start] { fired.push_back(loop.Now() - start); });
  late->Start(Milliseconds(20));
  early->Start(Milliseconds(10));
  loop.Advance(Milliseconds(19));
  EXPECT_THAT(fired, ElementsAre(Milliseconds(10)));
  EXPECT_FALSE(early->armed());
  EXPECT_TRUE(late->armed());
  loop.Advance(Milliseconds(1));
  EXPECT_THAT(fired, ElementsAre(Milliseconds(10), Milliseconds(20)));
}

TEST(SimulatedLoopTest, TimerMayBeDestroyedInItsOwnCallback) {
  SimulatedLoop loop;
  std::unique_ptr<Timer> timer;
  int fired = 0;
  timer = loop.NewTimer([&timer, &fired] {
    timer.reset();
    ++fired;
  });
  timer->Start(Seconds(1));
  loop.Advance(Seconds(5));
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(timer, nullptr);
}

TEST(SimulatedLoopTest, HooksAndThenDeletionsFollowTheCallbacksOfATurn) {
  SimulatedLoop loop;
  std::vector<std::string> events;
  Hook hook(events);
  loop.Post([&] {
    loop.DeferDelete(std::make_unique<Noisy>(events));
    loop.RunAtTurnEnd(hook);
    loop.RunAtTurnEnd(hook);
    loop.Post([&events] { events.push_back("next turn"); });
    events.push_back("task");
  });
  loop.RunUntilIdle();
  EXPECT_THAT(events, ElementsAre("task", "hook", "deleted", "next turn"));
}

TEST(SimulatedLoopTest, CancelledHookAndStoppedTimerDoNotRun) {
  SimulatedLoop loop;
  std::vector<std::string> events;
  Hook hook(events);
  auto timer = loop.NewTimer([&events] { events.push_back("timer"); });
  timer->Start(Duration::zero());
  loop.RunAtTurnEnd(hook);
  timer->Stop();
  loop.CancelTurnEnd(hook);
  loop.Advance(Seconds(1));
  EXPECT_TRUE(events.empty());
}

TEST(SimulatedLoopTest, ZeroDelayTimerStartedInACallbackFiresInTheNextTurn) {
  SimulatedLoop loop;
  std::vector<std::string> events;
  Hook hook(events);
  auto timer = loop.NewTimer([&events] { events.push_back("timer"); });
  loop.Post([&] {
    timer->Start(Duration::zero());
    loop.RunAtTurnEnd(hook);
  });
  loop.RunUntilIdle();
  EXPECT_THAT(events, ElementsAre("hook", "timer"));
}

}  // namespace
}  // namespace dotcache
