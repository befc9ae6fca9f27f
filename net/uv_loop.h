// SPDX-License-Identifier: Apache-2.0
// libuv's event loop as an EventLoop.
#ifndef DOTCACHE_NET_UV_LOOP_H_
#define DOTCACHE_NET_UV_LOOP_H_

#include <memory>

#include "core/bytes.h"
#include "core/event_loop.h"
#include "net/boot_clock.h"

struct uv_loop_s;

namespace dotcache {

// One libuv loop with the facilities that the objects of a worker share:
// - the clock, which also counts suspended time;
// - a timer wheel with ticks of 1 ms. One uv_timer drives it and is armed only while a timer is;
// - the inbox of Post();
// - turn-end hooks, which run before the loop waits and after it woke, and deferred deletion;
// - one read buffer.
//
// A timer that expires during a suspend fires in the first turns after the resume. The thread that
// runs the loop blocks SIGPIPE, so a write to a closed connection returns an error.
//
// Made and destroyed on one thread, run on one thread. The destructor closes the loop's own
// handles. A handle of another object that is still open then is a broken invariant.
class UvLoop : public EventLoop {
 public:
  using BootClock = MonoTime (*)();

  // Tests set `clock`.
  explicit UvLoop(BootClock clock = &BootTime);
  ~UvLoop() override;

  // Runs until Stop(). The calling thread becomes the loop's thread.
  void Run();

  // Runs one turn without waiting. For tests, and for draining after Run().
  void RunOnce();

  // Makes Run() return after the current turn. Safe from any thread.
  void Stop();

  // EventLoop:
  MonoTime Now() const override;
  MonoTime FreshNow() const override;
  uint32_t UnixSeconds() const override;
  std::unique_ptr<Timer> NewTimer(absl::AnyInvocable<void()> callback) override;
  void Post(Task task) override;
  void DeferDelete(std::unique_ptr<Deletable> object) override;
  void RunAtTurnEnd(TurnEndHook& hook) override;
  void CancelTurnEnd(TurnEndHook& hook) override;
  bool InLoopThread() const override;

  // For net/ only.
  uv_loop_s* raw();
  // The buffer of 64 KiB into which all streams of this loop read. Its content is valid during one
  // callback.
  MutableBytes read_buffer();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_UV_LOOP_H_
