// SPDX-License-Identifier: Apache-2.0
// Interfaces for time and threads, used by every object that is bound to a loop. Two
// implementations: net/uv_loop (libuv) and tests/support/simulated_loop (Advance() moves the time).
#ifndef DOTCACHE_CORE_EVENT_LOOP_H_
#define DOTCACHE_CORE_EVENT_LOOP_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "core/clock.h"

namespace dotcache {

// An object that must not be destroyed inside its own callback. See EventLoop::DeferDelete().
class Deletable {
 public:
  virtual ~Deletable() = default;
};

// A one-shot timer, bound to the loop that made it. Destroying it disarms it. The callback never
// runs inside Start(). The callback may start, stop or destroy the timer.
class Timer {
 public:
  virtual ~Timer() = default;

  // Arms the timer and replaces an earlier expiry. A delay <= 0 fires in the next loop turn.
  virtual void Start(Duration delay) = 0;

  // Disarms the timer. The callback does not run afterwards.
  virtual void Stop() = 0;

  virtual bool armed() const = 0;
};

// Work that several callbacks of one loop turn share. It is done once, when the turn ends: for
// example one sendmmsg for many replies.
class TurnEndHook {
 public:
  virtual ~TurnEndHook() = default;
  virtual void OnTurnEnd() = 0;
};

// The event loop of one thread. Only Post() may be called from other threads. Every object made on
// a loop is used and destroyed on its thread, and before the loop.
class EventLoop : public Clock {
 public:
  using Task = absl::AnyInvocable<void() &&>;

  // Returns a disarmed timer. It calls `callback` each time it expires.
  virtual std::unique_ptr<Timer> NewTimer(absl::AnyInvocable<void()> callback) = 0;

  // Runs `task` on the loop's thread in a later turn. Safe from any thread until the loop stops. A
  // stopped loop destroys its remaining tasks without running them.
  virtual void Post(Task task) = 0;

  // Destroys `object` after the callbacks of the current turn have returned.
  virtual void DeferDelete(std::unique_ptr<Deletable> object) = 0;

  // Calls `hook.OnTurnEnd()` once, before the loop next waits for events. A second call in the same
  // turn has no effect. The hook must call CancelTurnEnd() before it is destroyed.
  virtual void RunAtTurnEnd(TurnEndHook& hook) = 0;
  virtual void CancelTurnEnd(TurnEndHook& hook) = 0;

  // True on the loop's own thread. While the loop does not run, true on every thread.
  virtual bool InLoopThread() const = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_CORE_EVENT_LOOP_H_
