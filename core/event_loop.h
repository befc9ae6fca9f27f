// SPDX-License-Identifier: Apache-2.0
// The interfaces through which every loop-bound object meets time and its thread. Two
// implementations: net/uv_loop (libuv) and tests/support/simulated_loop (time moves by Advance()).
#ifndef DOTCACHE_CORE_EVENT_LOOP_H_
#define DOTCACHE_CORE_EVENT_LOOP_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "core/clock.h"

namespace dotcache {

// Whatever must not be destroyed inside its own callback: see EventLoop::DeferDelete().
class Deletable {
 public:
  virtual ~Deletable() = default;
};

// A one-shot timer, bound to the loop that made it. Destroying it disarms it. The callback never
// runs inside Start(), and may start, stop or destroy the timer.
class Timer {
 public:
  virtual ~Timer() = default;

  // Arms the timer, replacing any earlier expiry. A delay <= 0 fires in the next loop turn.
  virtual void Start(Duration delay) = 0;

  // Disarms the timer. The callback does not run afterwards.
  virtual void Stop() = 0;

  virtual bool armed() const = 0;
};

// Work that several callbacks of one loop turn share, done once when the turn ends: one sendmmsg
// for many replies, one system call for many queries.
class TurnEndHook {
 public:
  virtual ~TurnEndHook() = default;
  virtual void OnTurnEnd() = 0;
};

// One thread's event loop. All functions but Post() are for the loop's own thread; every object
// made on a loop lives and dies on that thread, and the loop outlives them all.
class EventLoop : public Clock {
 public:
  using Task = absl::AnyInvocable<void() &&>;

  // Returns a disarmed timer that calls `callback` each time it expires.
  virtual std::unique_ptr<Timer> NewTimer(absl::AnyInvocable<void()> callback) = 0;

  // Runs `task` on the loop's thread in a later turn. Safe from any thread, until the loop stops;
  // tasks that a stopped loop still holds are destroyed without being run.
  virtual void Post(Task task) = 0;

  // Destroys `object` when no callback of the current turn is on the stack any more.
  virtual void DeferDelete(std::unique_ptr<Deletable> object) = 0;

  // Calls `hook.OnTurnEnd()` once, before the loop next waits for events. Idempotent within a turn.
  // `hook` must call CancelTurnEnd() before it is destroyed.
  virtual void RunAtTurnEnd(TurnEndHook& hook) = 0;
  virtual void CancelTurnEnd(TurnEndHook& hook) = 0;

  // True on the loop's own thread (and before the loop runs for the first time).
  virtual bool InLoopThread() const = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_CORE_EVENT_LOOP_H_
