// SPDX-License-Identifier: Apache-2.0
#include "net/uv_loop.h"

#include <signal.h>
#include <uv.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/log.h"
#include "core/mutex.h"
#include "net/boot_clock.h"
#include "net/timer_wheel.h"
#include "net/uv_handle.h"

namespace dotcache {
namespace {

constexpr size_t kReadBufferBytes = size_t{64} * 1024;
constexpr Duration kLongestDelay = std::chrono::hours(24 * 36500);  // Keeps sums below 2^63 ns.

// One turn fires at least kTimersPerTurn expired timers. It continues while it has used less than
// 1/kShareOfTimers of the time since the previous timers, up to kMaxTimeOfTimers. The next turn
// fires the remaining timers, after its I/O. So thousands of simultaneous timers do not delay a
// reply from the cache. A flood of queries does not stop the timers either.
constexpr int kTimersPerTurn = 32;
constexpr int kShareOfTimers = 4;
constexpr Duration kMaxTimeOfTimers = std::chrono::microseconds(300);

// Most turns are shorter. When the loop's time and libuv's time differ by more than this,
// AheadOfUv() is measured again.
constexpr Duration kLongTurn = Milliseconds(10);

// Making a loop fails only when the process has no descriptors or memory left.
void Require(int code, absl::string_view what) {
  if (code == 0) return;
  Log(LogLevel::kError, "cannot make an event loop",
      {{"call", what}, {"error", uv_strerror(code)}});
  std::abort();
}

// How far `clock` is ahead of libuv's clock, which does not count a suspend. The result is rounded
// to 10 us, because the two clocks are read one after the other. The kernel may interrupt the
// thread between the readings, so the fastest of three tries is used.
Duration AheadOfUv(UvLoop::BootClock clock) {
  Duration ahead{0};
  Duration narrowest = Duration::max();
  for (int i = 0; i < 3; ++i) {
    const Duration before(uv_hrtime());
    const Duration now = clock().time_since_epoch();
    const Duration width = Duration(uv_hrtime()) - before;
    if (width >= narrowest) continue;
    narrowest = width;
    ahead = now - before - width / 2;
  }
  return std::chrono::round<std::chrono::duration<int64_t, std::ratio<1, 100000>>>(ahead);
}

// One tick of the wheel is one millisecond of the loop's clock.
uint64_t TickAtOrBefore(MonoTime time) {
  return static_cast<uint64_t>(std::chrono::floor<Milliseconds>(time).time_since_epoch().count());
}
uint64_t TickAtOrAfter(MonoTime time) {
  return static_cast<uint64_t>(std::chrono::ceil<Milliseconds>(time).time_since_epoch().count());
}

}  // namespace

struct UvLoop::Impl {
  explicit Impl(BootClock the_clock);

  void Close();
  void TakeInbox();
  void FireTimers();
  void CompareClocks();
  void SetWakeUp();
  void FinishTurn();
  void Turn(uv_run_mode mode);
  MonoTime Now() const;

  class LoopTimer;

  uv_loop_t uv;
  UvHandle<uv_prepare_t> before_wait;
  UvHandle<uv_check_t> after_wait;
  UvHandle<uv_timer_t> wake_up;
  UvHandle<uv_async_t> async;

  const BootClock clock;
  mutable MonoTime turn_time;  // Read at the first use after the loop woke.
  mutable bool turn_time_known = false;
  TimerWheel wheel{TickAtOrBefore(clock())};
  std::optional<uint64_t> wake_up_tick;  // The tick for which `wake_up` is armed.
  Duration wake_up_time{0};              // The same on libuv's clock, or when it was armed.
  bool input_was_first = false;          // A turn has read its input before the late timers.
  Duration ahead{0};                     // AheadOfUv(), as last measured.
  LoopTimer* firing = nullptr;  // The timer whose callback runs. Null if the callback destroyed it.
  Duration timers_served{0};    // Time on libuv's clock when the latest timers ended.
  int timer_count = 0;

  std::vector<TurnEndHook*> hooks;  // In order of registration. Null: cancelled or already run.
  absl::flat_hash_map<TurnEndHook*, size_t> hook_index;
  std::vector<std::unique_ptr<Deletable>> deferred;
  std::unique_ptr<uint8_t[]> read_buffer{new uint8_t[kReadBufferBytes]};

  std::atomic<std::thread::id> running_thread{};  // Default: the loop does not run.
  std::atomic<bool> stop_requested = false;
  Mutex inbox_mutex;
  std::vector<Task> inbox ABSL_GUARDED_BY(inbox_mutex);
  bool closed ABSL_GUARDED_BY(inbox_mutex) = false;
};

class UvLoop::Impl::LoopTimer final : public Timer, public TimerWheel::Node {
 public:
  LoopTimer(Impl& loop, absl::AnyInvocable<void()> callback)
      : loop_(loop), callback_(std::move(callback)) {
    ++loop_.timer_count;
  }
  ~LoopTimer() override {
    Stop();
    if (loop_.firing == this) loop_.firing = nullptr;
    --loop_.timer_count;
  }

  void Start(Duration delay) override {
    Stop();
    const MonoTime expiry = loop_.Now() + std::clamp(delay, Duration::zero(), kLongestDelay);
    loop_.wheel.Arm(*this, delay > Duration::zero() ? TickAtOrAfter(expiry) : 0);
  }
  void Stop() override {
    if (armed()) loop_.wheel.Disarm(*this);
  }
  bool armed() const override { return TimerWheel::Node::armed(); }

  // The callback may destroy the timer, so it is moved out of the timer while it runs.
  void Fire() {
    Impl& loop = loop_;
    absl::AnyInvocable<void()> callback = std::move(callback_);
    loop.firing = this;
    callback();
    if (loop.firing == this) callback_ = std::move(callback);
    loop.firing = nullptr;
  }

 private:
  Impl& loop_;
  absl::AnyInvocable<void()> callback_;
};

UvLoop::Impl::Impl(BootClock the_clock) : clock(the_clock) {
  Require(uv_loop_init(&uv), "uv_loop_init");
  ahead = AheadOfUv(clock);
  Require(before_wait.Open(this, [this](uv_prepare_t* h) { return uv_prepare_init(&uv, h); }),
          "uv_prepare_init");
  Require(after_wait.Open(this, [this](uv_check_t* h) { return uv_check_init(&uv, h); }),
          "uv_check_init");
  Require(wake_up.Open(this, [this](uv_timer_t* h) { return uv_timer_init(&uv, h); }),
          "uv_timer_init");
  Require(async.Open(this,
                     [this](uv_async_t* h) {
                       return uv_async_init(
                           &uv, h, [](uv_async_t* handle) { OwnerOf<Impl>(handle)->TakeInbox(); });
                     }),
          "uv_async_init");
  Require(uv_prepare_start(before_wait.get(),
                           [](uv_prepare_t* handle) {
                             OwnerOf<Impl>(handle)->FinishTurn();
                             OwnerOf<Impl>(handle)->SetWakeUp();
                           }),
          "uv_prepare_start");
  Require(uv_check_start(after_wait.get(),
                         [](uv_check_t* handle) { OwnerOf<Impl>(handle)->FinishTurn(); }),
          "uv_check_start");
}

// Tasks and deferred objects are destroyed first, because they may own objects that need the loop.
void UvLoop::Impl::Close() {
  std::vector<Task> dropped;
  {
    MutexLock lock(inbox_mutex);
    closed = true;
    dropped.swap(inbox);
  }
  dropped.clear();
  while (!deferred.empty()) std::exchange(deferred, {}).clear();
  assert(hook_index.empty() && timer_count == 0);

  before_wait.Reset();
  after_wait.Reset();
  wake_up.Reset();
  async.Reset();
  int foreign = 0;
  uv_walk(
      &uv,
      [](uv_handle_t* handle, void* count) {
        if (!uv_is_closing(handle)) ++*static_cast<int*>(count);
      },
      &foreign);
  assert(foreign == 0 && "a handle of this loop is still open");
  if (foreign == 0) uv_run(&uv, UV_RUN_DEFAULT);
  [[maybe_unused]] const int code = uv_loop_close(&uv);
  assert(code == 0);
}

void UvLoop::Impl::TakeInbox() {
  std::vector<Task> tasks;
  {
    MutexLock lock(inbox_mutex);
    tasks.swap(inbox);
  }
  for (Task& task : tasks) std::move(task)();
  if (stop_requested.exchange(false)) uv_stop(&uv);
}

void UvLoop::Impl::FireTimers() {
  wake_up_tick.reset();
  // libuv runs timers before it reads input. After a time without a processor, the response that a
  // timer waits for may have arrived, so the next turn reads the input and then fires the timers.
  const bool is_late = Milliseconds(uv_now(&uv)) - wake_up_time > kLongTurn;
  input_was_first = is_late && !input_was_first;
  if (input_was_first) return;
  wheel.Advance(TickAtOrBefore(Now()));
  const Duration began(uv_hrtime());
  const Duration time = std::min(kMaxTimeOfTimers, (began - timers_served) / kShareOfTimers);
  TimerWheel::Node* node = nullptr;
  do {
    for (int fired = 0; fired < kTimersPerTurn; ++fired) {
      node = wheel.PopExpired();
      if (node == nullptr) break;
      static_cast<LoopTimer*>(node)->Fire();
    }
    timers_served = Duration(uv_hrtime());
  } while (node != nullptr && timers_served - began < time);
}

// After a suspend, libuv's timer would fire too late by the suspended time. A turn that did not
// read the clock skips this check; a later turn makes it.
void UvLoop::Impl::CompareClocks() {
  if (!turn_time_known) return;
  const Duration in_turn = turn_time.time_since_epoch() - ahead - Milliseconds(uv_now(&uv));
  if (in_turn < kLongTurn && in_turn > -kLongTurn) return;
  ahead = AheadOfUv(clock);
  wake_up_tick.reset();
}

// Called once per turn rather than in each Start(): a thousand new timers then cost one change of
// the libuv timer.
void UvLoop::Impl::SetWakeUp() {
  const std::optional<uint64_t> tick = wheel.NextTick();
  if (tick == wake_up_tick) return;
  wake_up_tick = tick;
  if (!tick.has_value()) {
    uv_timer_stop(wake_up.get());
    return;
  }
  const Duration due = Milliseconds(*tick) - ahead - Milliseconds(uv_now(&uv));
  const auto delay = std::chrono::ceil<Milliseconds>(std::max(due, Duration::zero()));
  wake_up_time = Milliseconds(uv_now(&uv)) + delay;
  uv_timer_start(
      wake_up.get(), [](uv_timer_t* handle) { OwnerOf<Impl>(handle)->FireTimers(); },
      static_cast<uint64_t>(delay.count()), 0);
}

// Hooks run before deletions: octets that an object wrote before its deletion still leave.
void UvLoop::Impl::FinishTurn() {
  do {
    for (size_t i = 0; i < hooks.size(); ++i) {
      TurnEndHook* hook = std::exchange(hooks[i], nullptr);
      if (hook == nullptr) continue;
      hook_index.erase(hook);
      hook->OnTurnEnd();
    }
    hooks.clear();
    std::exchange(deferred, {}).clear();
  } while (!hooks.empty() || !deferred.empty());
  CompareClocks();
  turn_time_known = false;
}

void UvLoop::Impl::Turn(uv_run_mode mode) {
  assert(running_thread.load() == std::thread::id() && "the loop runs already");
  running_thread = std::this_thread::get_id();
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  turn_time_known = false;
  SetWakeUp();
  uv_run(&uv, mode);
  running_thread = std::thread::id();
}

MonoTime UvLoop::Impl::Now() const {
  if (!turn_time_known) {
    turn_time = clock();
    // Outside a turn, no step would refresh it.
    turn_time_known = running_thread.load(std::memory_order_relaxed) != std::thread::id();
  }
  return turn_time;
}

UvLoop::UvLoop(BootClock clock) : impl_(std::make_unique<Impl>(clock)) {}

UvLoop::~UvLoop() {
  assert(InLoopThread());
  impl_->Close();
}

void UvLoop::Run() { impl_->Turn(UV_RUN_DEFAULT); }

void UvLoop::RunOnce() { impl_->Turn(UV_RUN_NOWAIT); }

void UvLoop::Stop() {
  // Holds the lock that Close() also takes: the loop may be destroyed as soon as its thread sees
  // the request.
  MutexLock lock(impl_->inbox_mutex);
  impl_->stop_requested = true;
  if (!impl_->closed) uv_async_send(impl_->async.get());
}

MonoTime UvLoop::Now() const { return impl_->Now(); }

MonoTime UvLoop::FreshNow() const { return impl_->clock(); }

uint32_t UvLoop::UnixSeconds() const { return static_cast<uint32_t>(UnixTime()); }

std::unique_ptr<Timer> UvLoop::NewTimer(absl::AnyInvocable<void()> callback) {
  assert(InLoopThread());
  return std::make_unique<Impl::LoopTimer>(*impl_, std::move(callback));
}

void UvLoop::Post(Task task) {
  MutexLock lock(impl_->inbox_mutex);
  if (impl_->closed) return;
  impl_->inbox.push_back(std::move(task));
  if (impl_->inbox.size() == 1) uv_async_send(impl_->async.get());
}

void UvLoop::DeferDelete(std::unique_ptr<Deletable> object) {
  assert(InLoopThread());
  if (object != nullptr) impl_->deferred.push_back(std::move(object));
}

void UvLoop::RunAtTurnEnd(TurnEndHook& hook) {
  assert(InLoopThread());
  if (impl_->hook_index.try_emplace(&hook, impl_->hooks.size()).second) {
    impl_->hooks.push_back(&hook);
  }
}

void UvLoop::CancelTurnEnd(TurnEndHook& hook) {
  assert(InLoopThread());
  const auto it = impl_->hook_index.find(&hook);
  if (it == impl_->hook_index.end()) return;
  impl_->hooks[it->second] = nullptr;
  impl_->hook_index.erase(it);
}

bool UvLoop::InLoopThread() const {
  const std::thread::id running = impl_->running_thread.load(std::memory_order_relaxed);
  return running == std::thread::id() || running == std::this_thread::get_id();
}

uv_loop_s* UvLoop::raw() { return &impl_->uv; }

MutableBytes UvLoop::read_buffer() {
  return MutableBytes(impl_->read_buffer.get(), kReadBufferBytes);
}

}  // namespace dotcache
