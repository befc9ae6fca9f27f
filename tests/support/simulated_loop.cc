// SPDX-License-Identifier: Apache-2.0
#include "tests/support/simulated_loop.h"

#include <algorithm>
#include <optional>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

// If one instant needs more turns than this, a callback re-arms itself forever.
constexpr int kMaxTurnsAtOneInstant = 100'000;

}  // namespace

// Shares ownership of its callback, so that a callback may destroy its own timer.
class SimulatedLoop::SimulatedTimer final : public Timer {
 public:
  SimulatedTimer(SimulatedLoop& loop, absl::AnyInvocable<void()> callback)
      : loop_(loop), callback_(std::make_shared<absl::AnyInvocable<void()>>(std::move(callback))) {}
  ~SimulatedTimer() override { Stop(); }

  void Start(Duration delay) override {
    Stop();
    expiry_ = Expiry(loop_.now_ + std::max(delay, Duration::zero()), loop_.next_start_number_++);
    loop_.timers_.emplace(*expiry_, callback_);
  }

  void Stop() override {
    if (expiry_.has_value()) loop_.timers_.erase(*expiry_);
    expiry_.reset();
  }

  bool armed() const override { return expiry_.has_value() && loop_.timers_.contains(*expiry_); }

 private:
  SimulatedLoop& loop_;
  Callback callback_;
  std::optional<Expiry> expiry_;
};

SimulatedLoop::~SimulatedLoop() {
  tasks_.clear();
  EndTurn();
}

std::unique_ptr<Timer> SimulatedLoop::NewTimer(absl::AnyInvocable<void()> callback) {
  return std::make_unique<SimulatedTimer>(*this, std::move(callback));
}

void SimulatedLoop::DeferDelete(std::unique_ptr<Deletable> object) {
  deletions_.push_back(std::move(object));
}

void SimulatedLoop::RunAtTurnEnd(TurnEndHook& hook) {
  if (std::find(hooks_.begin(), hooks_.end(), &hook) == hooks_.end()) hooks_.push_back(&hook);
}

void SimulatedLoop::CancelTurnEnd(TurnEndHook& hook) { std::erase(hooks_, &hook); }

void SimulatedLoop::Advance(Duration duration) {
  const MonoTime end = now_ + duration;
  int turns = 0;
  while (true) {
    while (SomethingIsDue()) {
      RunTurn();
      if (++turns > kMaxTurnsAtOneInstant) {
        ADD_FAILURE() << "the simulated loop never becomes idle";
        return;
      }
    }
    if (timers_.empty() || timers_.begin()->first.first > end) break;
    now_ = timers_.begin()->first.first;
    turns = 0;
  }
  now_ = end;
}

bool SimulatedLoop::SomethingIsDue() const {
  return !tasks_.empty() || !hooks_.empty() || !deletions_.empty() ||
         (!timers_.empty() && timers_.begin()->first.first <= now_);
}

void SimulatedLoop::RunTurn() {
  // Tasks and timers that these callbacks add belong to the next turn.
  const uint64_t first_start_of_next_turn = next_start_number_;
  for (size_t count = tasks_.size(); count > 0; --count) {
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    std::move(task)();
  }
  for (auto it = timers_.begin(); it != timers_.end() && it->first.first <= now_;) {
    if (it->first.second >= first_start_of_next_turn) {
      ++it;
      continue;
    }
    const Callback callback = std::move(it->second);
    timers_.erase(it);
    (*callback)();
    it = timers_.begin();  // The callback may have changed the table.
  }
  EndTurn();
}

void SimulatedLoop::EndTurn() {
  while (!hooks_.empty()) {
    TurnEndHook* hook = hooks_.front();
    hooks_.erase(hooks_.begin());
    hook->OnTurnEnd();
  }
  while (!deletions_.empty()) {
    std::vector<std::unique_ptr<Deletable>> deletions = std::exchange(deletions_, {});
    deletions.clear();
  }
}

}  // namespace dotcache
