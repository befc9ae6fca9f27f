// SPDX-License-Identifier: Apache-2.0
#include "net/uv_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <uv.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/unique_fd.h"
#include "net/uv_handle.h"

namespace dotcache {
namespace {

using ::testing::ElementsAre;

struct Note : Deletable {
  Note(std::vector<std::string>& log, std::string text) : log_(log), text_(std::move(text)) {}
  ~Note() override { log_.push_back(text_); }
  std::vector<std::string>& log_;
  std::string text_;
};

class Hook : public TurnEndHook {
 public:
  explicit Hook(absl::AnyInvocable<void()> action) : action_(std::move(action)) {}
  void OnTurnEnd() override { action_(); }

 private:
  absl::AnyInvocable<void()> action_;
};

TEST(UvLoopTest, PostRunsInALaterTurnInOrder) {
  UvLoop loop;
  std::vector<int> order;
  loop.Post([&] {
    order.push_back(1);
    loop.Post([&] {
      order.push_back(3);
      loop.Stop();
    });
    order.push_back(2);
  });
  EXPECT_THAT(order, ElementsAre());
  loop.Run();
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(UvLoopTest, PostsOfManyThreadsRunOnTheLoopsThread) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  UvLoop loop;
  int ran = 0;
  bool elsewhere = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kPosts; ++i) {
        loop.Post([&] {
          elsewhere |= !loop.InLoopThread();
          if (++ran == kThreads * kPosts) loop.Stop();
        });
      }
    });
  }
  loop.Run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, kThreads * kPosts);
  EXPECT_FALSE(elsewhere);
}

TEST(UvLoopTest, StoppedLoopDestroysItsTasksWithoutRunningThem) {
  auto token = std::make_shared<int>(0);
  bool ran = false;
  {
    UvLoop loop;
    loop.Stop();
    loop.Run();
    loop.Post([&ran, token] { ran = true; });
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_FALSE(ran);
}

TEST(UvLoopTest, PostFromTheDestructorOfADroppedTaskIsDroppedToo) {
  struct PostsWhenDestroyed {
    explicit PostsWhenDestroyed(UvLoop& l) : loop(l) {}
    ~PostsWhenDestroyed() {
      loop.Post([] { FAIL(); });
    }
    UvLoop& loop;
  };
  UvLoop loop;
  loop.Post([poster = std::make_unique<PostsWhenDestroyed>(loop)] { FAIL(); });
}

TEST(UvLoopTest, StopBeforeRunMakesRunReturn) {
  UvLoop loop;
  loop.Stop();
  loop.Run();
}

TEST(UvLoopTest, StopFromAnotherThreadEndsRun) {
  UvLoop loop;
  std::thread stopper([&] { loop.Stop(); });
  loop.Run();
  stopper.join();
}

TEST(UvLoopTest, RunsAgainAfterStop) {
  UvLoop loop;
  int runs = 0;
  for (int i = 0; i < 2; ++i) {
    loop.Post([&] {
      ++runs;
      loop.Stop();
    });
    loop.Run();
  }
  EXPECT_EQ(runs, 2);
}

TEST(UvLoopTest, LoopThreadIsTheThreadThatRunsTheLoop) {
  UvLoop loop;
  EXPECT_TRUE(loop.InLoopThread());
  std::atomic<bool> inside = false, outside = true, running = false, checked = false;
  std::thread runner([&] {
    loop.Post([&] {
      inside = loop.InLoopThread();
      running = true;
      while (!checked) std::this_thread::yield();
      loop.Stop();
    });
    loop.Run();
  });
  while (!running) std::this_thread::yield();
  outside = loop.InLoopThread();
  checked = true;
  runner.join();
  EXPECT_TRUE(inside);
  EXPECT_FALSE(outside);
}

TEST(UvLoopTest, TimersFireInOrderAndNeverEarly) {
  UvLoop loop;
  std::vector<int> order;
  std::vector<std::unique_ptr<Timer>> timers;
  bool early = false;
  // In one turn the time is constant, so a slow machine does not change the order of expiry.
  loop.Post([&] {
    for (int ms : {7, 1, 4, 0, 2}) {
      const auto due = loop.Now() + Milliseconds(ms);
      timers.push_back(loop.NewTimer([&, ms, due] {
        early |= BootTime() < due || loop.Now() < due - Milliseconds(1);
        order.push_back(ms);
        if (order.size() == 5) loop.Stop();
      }));
      timers.back()->Start(Milliseconds(ms));
    }
    EXPECT_TRUE(order.empty());
  });
  loop.Run();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 4, 7));
  EXPECT_FALSE(early);
}

TEST(UvLoopTest, ZeroDelayTimerFiresInTheNextTurnAndNotInsideStart) {
  UvLoop loop;
  int fired = 0;
  auto timer = loop.NewTimer([&] { ++fired; });
  timer->Start(Duration(0));
  EXPECT_EQ(fired, 0);
  EXPECT_TRUE(timer->armed());
  loop.RunOnce();
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(timer->armed());
}

TEST(UvLoopTest, TimerThatRearmsItselfDoesNotBlockTheLoop) {
  UvLoop loop;
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = loop.NewTimer([&] {
    if (++fired == 100) loop.Post([&] { loop.Stop(); });
    timer->Start(Duration(-1));
  });
  timer->Start(Duration(0));
  loop.RunOnce();
  EXPECT_EQ(fired, 1);
  loop.Run();
  EXPECT_GE(fired, 100);
}

TEST(UvLoopTest, InputDoesNotWaitForAllSimultaneousTimers) {
  constexpr int kTimers = 1000;
  UvLoop loop;
  std::vector<int> order;
  std::vector<std::unique_ptr<Timer>> timers;
  int fired_before_task = -1;
  for (int i = 0; i < kTimers; ++i) {
    timers.push_back(loop.NewTimer([&, i] {
      const MonoTime end = BootTime() + std::chrono::microseconds(20);
      while (BootTime() < end) {
      }
      order.push_back(i);
      if (order.size() == kTimers) loop.Stop();
    }));
    timers.back()->Start(Duration(0));
  }
  loop.Post([&] { fired_before_task = static_cast<int>(order.size()); });
  loop.Run();
  EXPECT_GT(fired_before_task, 0);
  EXPECT_LT(fired_before_task, kTimers / 10);
  ASSERT_EQ(order.size(), static_cast<size_t>(kTimers));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

// A turn with much input spends more time on timers than the minimum.
// A timer expires and input arrives while a callback runs. Returns what ran first after it.
std::string FirstAfterAStall() {
  UvLoop loop;
  std::string first;
  const UniqueFd event(eventfd(0, EFD_NONBLOCK));
  UvHandle<uv_poll_t> input;
  EXPECT_EQ(OpenPoll(input, loop.raw(), event.get(), &first), 0);
  uv_poll_start(input.get(), UV_READABLE, [](uv_poll_t* handle, int, int) {
    std::string* first_ran = OwnerOf<std::string>(handle);
    if (first_ran->empty()) *first_ran = "input";
    uv_poll_stop(handle);
  });
  const auto timer = loop.NewTimer([&] {
    if (first.empty()) first = "timer";
    loop.Stop();
  });
  loop.Post([&] {
    timer->Start(Milliseconds(50));
    loop.Post([&, end = BootTime() + Milliseconds(100)] {
      while (BootTime() < end) {
      }
      EXPECT_EQ(eventfd_write(event.get(), 1), 0);
    });
  });
  loop.Run();
  input.Reset();
  return first;
}

TEST(UvLoopTest, InputThatArrivedDuringAStallComesBeforeTheTimer) {
  // A real stall between the two posts lets the timer come first.
  std::string first;
  for (int i = 0; i < 10 && first != "input"; ++i) first = FirstAfterAStall();
  EXPECT_EQ(first, "input");
}

TEST(UvLoopTest, TimersKeepUpWithEndlessInput) {
  constexpr int kTimers = 10000;
  UvLoop loop;
  int fired = 0;
  int busy_turns = 0;
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < kTimers; ++i) {
    timers.push_back(loop.NewTimer([&] { ++fired; }));
    timers.back()->Start(Duration(0));
  }
  absl::AnyInvocable<void()> busy = [&] {
    const MonoTime end = BootTime() + Milliseconds(1);
    while (BootTime() < end) {
    }
    ++busy_turns;
    if (fired == kTimers) {
      loop.Stop();
    } else {
      loop.Post([&] { busy(); });
    }
  };
  loop.Post([&] { busy(); });
  loop.Run();
  EXPECT_LT(busy_turns, kTimers / 50);
}

TEST(UvLoopTest, StoppedTimerDoesNotFireAndRestartedTimerFiresOnce) {
  UvLoop loop;
  std::vector<std::string> log;
  auto stopped = loop.NewTimer([&] { log.push_back("stopped"); });
  auto restarted = loop.NewTimer([&] { log.push_back("restarted"); });
  auto end = loop.NewTimer([&] { loop.Stop(); });
  stopped->Start(Milliseconds(1));
  restarted->Start(Milliseconds(1));
  restarted->Start(Milliseconds(2));
  stopped->Stop();
  end->Start(Milliseconds(6));
  loop.Run();
  EXPECT_THAT(log, ElementsAre("restarted"));
}

TEST(UvLoopTest, TimerMayDestroyItselfAndOtherTimersInItsCallback) {
  UvLoop loop;
  std::vector<std::string> log;
  std::unique_ptr<Timer> self, other;
  auto long_capture = std::make_unique<std::string>(100, 'x');
  self = loop.NewTimer([&, text = std::move(long_capture)] {
    self.reset();
    other.reset();
    log.push_back(text->substr(0, 1));
  });
  other = loop.NewTimer([&] { log.push_back("other"); });
  self->Start(Duration(0));
  other->Start(Duration(0));
  loop.RunOnce();
  loop.RunOnce();
  EXPECT_THAT(log, ElementsAre("x"));
}

TEST(UvLoopTest, LongTimerDoesNotMakeTheLoopSpin) {
  UvLoop loop;
  auto hours = loop.NewTimer([] { FAIL(); });
  hours->Start(std::chrono::hours(5));
  auto longest = loop.NewTimer([] { FAIL(); });
  longest->Start(Duration::max());
  int turns = 0;
  Hook* again = nullptr;
  Hook hook([&] { ++turns; });
  again = &hook;
  auto end = loop.NewTimer([&] { loop.Stop(); });
  end->Start(Milliseconds(20));
  loop.RunAtTurnEnd(*again);
  loop.Run();
  EXPECT_EQ(turns, 1);
  EXPECT_TRUE(hours->armed());
  EXPECT_TRUE(longest->armed());
}

// The boot clock, which a test can advance suddenly, as a resume does.
Duration slept{0};
MonoTime JumpingClock() { return BootTime() + slept; }

TEST(UvLoopTest, TimersDueDuringASuspendFireAtResume) {
  slept = Duration(0);
  UvLoop loop(&JumpingClock);
  std::vector<int> fired;
  auto near = loop.NewTimer([&] { fired.push_back(8); });
  auto far = loop.NewTimer([&] { fired.push_back(16); });
  near->Start(std::chrono::hours(8));
  far->Start(std::chrono::hours(16));
  // The next event that wakes the loop shows that libuv's timer is hours late.
  const auto wake_up = [&] {
    loop.Post([&] { static_cast<void>(loop.Now()); });
    for (int i = 0; i < 4; ++i) loop.RunOnce();
  };
  wake_up();
  const MonoTime before = loop.Now();
  slept = std::chrono::hours(9);
  EXPECT_GE(loop.Now() - before, slept);
  wake_up();
  EXPECT_THAT(fired, ElementsAre(8));
  slept = std::chrono::hours(17);
  wake_up();
  EXPECT_THAT(fired, ElementsAre(8, 16));
}

TEST(UvLoopTest, NowIsConstantWithinATurnAndAdvancesBetweenTurns) {
  UvLoop loop;
  MonoTime first, second, later;
  loop.Post([&] {
    first = loop.Now();
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < std::chrono::microseconds(200)) {
    }
    second = loop.Now();
  });
  loop.RunOnce();
  loop.Post([&] { later = loop.Now(); });
  loop.RunOnce();
  EXPECT_EQ(first, second);
  EXPECT_GT(later, second);
  EXPECT_GT(loop.Now(), later);
}

TEST(UvLoopTest, HooksRunOnceAtTheEndOfTheTurnBeforeDeferredDeletion) {
  UvLoop loop;
  std::vector<std::string> log;
  Hook hook([&] { log.push_back("hook"); });
  loop.Post([&] {
    loop.DeferDelete(std::make_unique<Note>(log, "deleted"));
    loop.RunAtTurnEnd(hook);
    loop.RunAtTurnEnd(hook);
    log.push_back("task 1");
  });
  loop.Post([&] {
    loop.RunAtTurnEnd(hook);
    log.push_back("task 2");
  });
  loop.RunOnce();
  loop.RunOnce();
  EXPECT_THAT(log, ElementsAre("task 1", "task 2", "hook", "deleted"));
}

TEST(UvLoopTest, HookRegisteredByATimerRunsBeforeTheLoopWaits) {
  UvLoop loop;
  // No other event would wake this loop.
  Hook hook([&] { loop.Stop(); });
  auto timer = loop.NewTimer([&] { loop.RunAtTurnEnd(hook); });
  timer->Start(Milliseconds(1));
  loop.Run();
}

TEST(UvLoopTest, HookMayRegisterAnotherHookForTheSameTurn) {
  UvLoop loop;
  std::vector<std::string> log;
  Hook inner([&] { log.push_back("inner"); });
  Hook outer([&] {
    log.push_back("outer");
    loop.RunAtTurnEnd(inner);
  });
  loop.Post([&] {
    loop.RunAtTurnEnd(outer);
    loop.DeferDelete(std::make_unique<Note>(log, "deleted"));
  });
  loop.RunOnce();
  EXPECT_THAT(log, ElementsAre("outer", "inner", "deleted"));
}

TEST(UvLoopTest, CancelledHookDoesNotRunEvenWhenAnotherHookCancelsIt) {
  UvLoop loop;
  std::vector<std::string> log;
  auto victim = std::make_unique<Hook>([&] { log.push_back("victim"); });
  Hook canceller([&] {
    log.push_back("canceller");
    loop.CancelTurnEnd(*victim);
    victim.reset();
  });
  Hook never([&] { log.push_back("never"); });
  loop.Post([&] {
    loop.RunAtTurnEnd(canceller);
    loop.RunAtTurnEnd(*victim);
    loop.RunAtTurnEnd(never);
    loop.CancelTurnEnd(never);
    loop.CancelTurnEnd(never);
  });
  loop.RunOnce();
  EXPECT_THAT(log, ElementsAre("canceller"));
}

TEST(UvLoopTest, DeferDeleteInsideADestructorTakesEffectInTheSameTurn) {
  struct Parent : Deletable {
    Parent(UvLoop& l, std::vector<std::string>& g) : loop(l), log(g) {}
    ~Parent() override { loop.DeferDelete(std::make_unique<Note>(log, "child")); }
    UvLoop& loop;
    std::vector<std::string>& log;
  };
  UvLoop loop;
  std::vector<std::string> log;
  loop.Post([&] { loop.DeferDelete(std::make_unique<Parent>(loop, log)); });
  loop.RunOnce();
  EXPECT_THAT(log, ElementsAre("child"));
}

TEST(UvLoopTest, DestroyedLoopPerformsDeferredDeletions) {
  std::vector<std::string> log;
  {
    UvLoop loop;
    loop.DeferDelete(std::make_unique<Note>(log, "deleted"));
    loop.DeferDelete(nullptr);
    EXPECT_THAT(log, ElementsAre());
  }
  EXPECT_THAT(log, ElementsAre("deleted"));
}

}  // namespace
}  // namespace dotcache
