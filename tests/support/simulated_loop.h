// SPDX-License-Identifier: Apache-2.0
// An EventLoop on simulated time, for tests without threads, sockets and sleeps.
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

// Time stands still until Advance() moves it. One turn of the loop runs the tasks posted before it,
// then the timers due at its beginning in order of expiry (ties: in order of Start()), then the
// turn-end hooks, then the deferred deletions. Not thread-safe: everything, Post() too, is for the
// test's own thread. Outlives its timers.
//
//   SimulatedLoop loop;
//   exchanger.Exchange(...);
//   loop.RunUntilIdle();           // Posted tasks, hooks, timers with a delay of 0.
//   loop.Advance(Seconds(2));      // What comes due within 2 s, each at its own time.
class SimulatedLoop final : public EventLoop {
 public:
  SimulatedLoop() = default;
  ~SimulatedLoop() override;
  SimulatedLoop(const SimulatedLoop&) = delete;
  SimulatedLoop& operator=(const SimulatedLoop&) = delete;

  // Moves time forward by `duration`, stopping at every expiry on the way, and leaves nothing due.
  void Advance(Duration duration);

  // Runs turns at the present time until nothing is due.
  void RunUntilIdle() { Advance(Duration::zero()); }

  size_t armed_timer_count() const { return timers_.size(); }

  MonoTime Now() const override { return now_; }
  // Moves with Now(); begins at 1700003600.
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
  using Expiry = std::pair<MonoTime, uint64_t>;  // When, and the number of the Start().

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
