#include "upstream/upstream_health.h"

#include <algorithm>

#include "absl/random/uniform_real_distribution.h"

namespace dotcache {
namespace {

constexpr int kFailuresToGoDown = 3;
constexpr Duration kFirstProbeWait = Milliseconds(500);
constexpr Duration kLongestProbeWait = Seconds(30);
// Up for this long, a server's next trouble is a new one.
constexpr Duration kSteady = Seconds(30);
constexpr int kLargestSample = 3;  // Times the mean.
// Patience with a server never heard of: as late answers are taken, too short costs one query more.
constexpr Duration kFirstTimeout = Milliseconds(400);

bool IsConnectFailure(UpstreamFailure failure) { return failure <= UpstreamFailure::kCertificate; }

}  // namespace

Duration UpstreamHealth::AttemptTimeout(const UpstreamLimits& limits) const {
  const Duration timeout = mean_.has_value() ? *mean_ + 4 * deviation_ : kFirstTimeout;
  const Duration max = limits.max_attempt_timeout;
  return std::clamp(timeout, std::min<Duration>(limits.min_attempt_timeout, max), max);
}

void UpstreamHealth::OnConnected(MonoTime now) {
  if (state_ != State::kDown) return;
  if (must_answer_) {
    state_ = State::kProbation;
  } else {
    GoUp(now);
  }
}

void UpstreamHealth::OnResponse(Duration elapsed, bool usable, MonoTime now) {
  AddSample(elapsed, /*may_lower=*/usable);
  OnAlive(now);
}

void UpstreamHealth::OnAlive(MonoTime now) {
  failures_in_row_ = 0;
  if (state_ != State::kUp) GoUp(now);
}

void UpstreamHealth::OnFailure(UpstreamFailure failure, bool connected, MonoTime now,
                               absl::BitGenRef random) {
  if (!IsTransportFailure(failure)) return;
  const bool connect_failure = IsConnectFailure(failure);
  // Of a server that is down, only the probe that was due tells something new: not what was in
  // flight before, and not an attempt ahead of time because all others were down, too.
  if (state_ == State::kDown && (!connect_failure || now < next_probe_)) return;
  ++failures_in_row_;
  const bool enough = state_ != State::kUp || failures_in_row_ >= kFailuresToGoDown;
  if (!(connect_failure && !connected) && !enough) return;
  last_failure_ = failure;
  if (state_ == State::kUp) must_answer_ = false;
  if (!connect_failure) must_answer_ = true;
  GoDown(now, random);
}

void UpstreamHealth::AddSample(Duration sample, bool may_lower) {
  sample = std::max(sample, Duration::zero());
  if (!mean_.has_value()) {
    mean_ = sample;
    deviation_ = sample / 2;
    return;
  }
  if (!may_lower) sample = std::max(sample, *mean_);
  // A mean below the clock's millisecond would hold samples at 0 for ever.
  const Duration cap = kLargestSample * std::max<Duration>(*mean_, Milliseconds(1));
  sample = std::min(sample, cap);
  const Duration difference = sample > *mean_ ? sample - *mean_ : *mean_ - sample;
  deviation_ += (difference - deviation_) / 4;
  *mean_ += (sample - *mean_) / 8;
}

void UpstreamHealth::GoDown(MonoTime now, absl::BitGenRef random) {
  const bool steady = !up_since_.has_value() || now - *up_since_ >= kSteady;
  if (state_ == State::kUp && steady) probe_waits_ = 0;
  state_ = State::kDown;
  Duration wait = kLongestProbeWait;
  if (last_failure_ != UpstreamFailure::kCertificate && probe_waits_ < 6) {
    wait = std::min(kLongestProbeWait, kFirstProbeWait * (1 << probe_waits_));
  }
  ++probe_waits_;
  absl::uniform_real_distribution<double> jitter(0.75, 1.25);
  next_probe_ = now + std::chrono::duration_cast<Duration>(wait * jitter(random));
}

void UpstreamHealth::GoUp(MonoTime now) {
  state_ = State::kUp;
  failures_in_row_ = 0;
  up_since_ = now;
}

}  // namespace dotcache
