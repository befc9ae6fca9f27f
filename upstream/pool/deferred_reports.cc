// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/deferred_reports.h"

#include <utility>

namespace dotcache {

DeferredReports::DeferredReports(EventLoop& loop, absl::AnyInvocable<void(const Batch&)> tell)
    : tell_(std::move(tell)), timer_(loop.NewTimer([this] { Tell(); })) {}

void DeferredReports::AddLost(std::vector<AttemptId> attempts) {
  if (attempts.empty()) return;
  waiting_.lost.insert(waiting_.lost.end(), attempts.begin(), attempts.end());
  timer_->Start(Duration::zero());
}

void DeferredReports::AddUnconnected(std::vector<AttemptId> attempts) {
  if (attempts.empty()) return;
  waiting_.unconnected.insert(waiting_.unconnected.end(), attempts.begin(), attempts.end());
  timer_->Start(Duration::zero());
}

void DeferredReports::SetDistrusted(std::vector<AttemptId> attempts) {
  waiting_.distrusted = std::move(attempts);
  if (!waiting_.distrusted.empty()) timer_->Start(Duration::zero());
}

void DeferredReports::Forget(AttemptId attempt) {
  std::erase(waiting_.lost, attempt);
  std::erase(waiting_.unconnected, attempt);
}

void DeferredReports::Tell() {
  Batch batch = std::exchange(waiting_, {});
  if (batch.lost.size() > kMaxLostPerTurn) {
    waiting_.lost.assign(batch.lost.begin() + kMaxLostPerTurn, batch.lost.end());
    batch.lost.resize(kMaxLostPerTurn);
    timer_->Start(Duration::zero());
  }
  tell_(batch);
}

}  // namespace dotcache
