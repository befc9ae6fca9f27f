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

// One libuv loop and what a worker's objects share on it: the clock, a timer wheel (1 ms ticks; one
// uv_timer, armed only while a timer is), the inbox of Post(), end-of-turn hooks (run before the
// loop waits and after it woke), deferred deletion and one read buffer. Made and destroyed on one
// thread, run on one thread. Destroying it closes all its handles; a handle of another object that
// is still open then is a broken invariant. Blocks SIGPIPE on the thread that runs it: a write to a
// closed connection is an error, not a signal. Its clock goes on in suspend: what came due
// meanwhile fires in the first turns after that.
class UvLoop : public EventLoop {
 public:
  using BootClock = MonoTime (*)();

  // `clock` is for tests.
  explicit UvLoop(BootClock clock = &BootTime);
  ~UvLoop() override;

  // Runs until Stop(). The calling thread becomes the loop's thread.
  void Run();

  // Runs one turn without waiting, for tests and for draining after Run().
  void RunOnce();

  // Makes Run() return after the current turn. Safe from any thread.
  void Stop();

  // EventLoop:
  MonoTime Now() const override;
  uint32_t UnixSeconds() const override;
  std::unique_ptr<Timer> NewTimer(absl::AnyInvocable<void()> callback) override;
  void Post(Task task) override;
  void DeferDelete(std::unique_ptr<Deletable> object) override;
  void RunAtTurnEnd(TurnEndHook& hook) override;
  void CancelTurnEnd(TurnEndHook& hook) override;
  bool InLoopThread() const override;

  // For net/ alone.
  uv_loop_s* raw();
  // 64 KiB into which every stream of this loop reads; its content lasts one callback.
  MutableBytes read_buffer();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_UV_LOOP_H_
