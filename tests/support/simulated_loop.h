// SPDX-License-Identifier: Apache-2.0
// An EventLoop with simulated time, for tests without threads, sockets and sleeps.
#ifndef DOTCACHE_TESTS_SUPPORT_SIMULATED_LOOP_H_
#define DOTCACHE_TESTS_SUPPORT_SIMULATED_LOOP_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/event_loop.h"

namespace dotcache {

// Time moves only in Advance(). One turn runs, in this order:
// - the tasks posted before the turn;
// - the timers due at its beginning, by expiry and then by order of Start();
// - the turn-end hooks;
// - the deferred deletions.
// Not thread-safe: only the test's thread may use it, even for Post(). It must outlive its timers.
//
//   SimulatedLoop loop;
//   exchanger.Exchange(...);
//   loop.RunUntilIdle();           // Posted tasks, hooks, timers with a delay of 0.
//   loop.Advance(Seconds(2));      // Timers due within 2 s, each at its own time.
class SimulatedLoop final : public EventLoop {
 public:
  SimulatedLoop() = default;
  ~SimulatedLoop() override;
  SimulatedLoop(const SimulatedLoop&) = delete;
  SimulatedLoop& operator=(const SimulatedLoop&) = delete;

  // Moves time forward by `duration`. Stops at every expiry on the way and runs what is due.
  void Advance(Duration duration);

  // Runs turns at the current time until nothing is due.
  void RunUntilIdle() { Advance(Duration::zero()); }

  size_t armed_timer_count() const { return timers_.size(); }

  MonoTime Now() const override { return now_; }
  MonoTime FreshNow() const override { return now_; }
  // Starts at 1700003600 and advances with Now().
  uint32_t UnixSeconds() const override {
    return 1700000000 + static_cast<uint32_t>(
                            std::chrono::duration_cast<Seconds>(now_.time_since_epoch()).count());
  }
  std::unique_ptr<Timer> NewTimer(absl::AnyInvocable<void()> callback) override;
  void Post(Task task) override { tasks_.push_back(std::move(task)); }
  void DeferDelete(std::unique_ptr<Deletable> object) override;
  void RunAtTurnEnd(TurnEndHook& hook) override;
  void CancelTurnEnd(TurnEndHook& hook) override;
  bool InLoopThread() const override { return true; }

 private:
  class SimulatedTimer;
  using Callback = std::shared_ptr<absl::AnyInvocable<void()>>;
  using Expiry = std::pair<MonoTime, uint64_t>;  // The time, and the number of the Start() call.

  bool SomethingIsDue() const;
  void RunTurn();
  void EndTurn();

  MonoTime now_ = MonoTime(std::chrono::hours(1));
  uint64_t next_start_number_ = 0;
  std::map<Expiry, Callback> timers_;
  std::deque<Task> tasks_;
  std::vector<TurnEndHook*> hooks_;
  std::vector<std::unique_ptr<Deletable>> deletions_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_SIMULATED_LOOP_H_
