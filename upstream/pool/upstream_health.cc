// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/upstream_health.h"

#include <algorithm>

#include "absl/random/uniform_real_distribution.h"

namespace dotcache {
namespace {

constexpr int kFailuresToGoDown = 3;
constexpr Duration kFirstProbeWait = Milliseconds(500);
constexpr Duration kLongestProbeWait = Seconds(30);
// Up for this long, a server's next trouble is a new one.
constexpr Duration kSteady = Seconds(30);
constexpr Duration kOneLoss = Seconds(1);
constexpr int kLargestSample = 3;  // Times the mean.
// Patience with a server never heard of: as late answers are taken, too short costs one query more.
constexpr Duration kFirstTimeout = Milliseconds(400);
constexpr int kFirstTimeoutConnects = 3;
constexpr Duration kMinStallTime = Milliseconds(40);
constexpr int kStallTimeMeans = 4;
// The mark of the slowest twentieth moves by this part of itself, 19 times as far up as down.
constexpr int kSlowMarkSteps = 400;
constexpr int kBestMeanFade = 4096;

}  // namespace

std::optional<Duration> UpstreamHealth::response_time() const {
  if (!mean_.has_value() && silence_ == Duration::zero()) return std::nullopt;
  return std::max(mean_.value_or(Duration::zero()), silence_);
}

Duration UpstreamHealth::AttemptTimeout(const UpstreamLimits& limits) const {
  Duration timeout = kFirstTimeout;
  if (mean_.has_value()) {
    timeout = *mean_ + 4 * deviation_;
  } else if (connect_time_.has_value()) {
    timeout = std::min(kFirstTimeout, kFirstTimeoutConnects * *connect_time_);
  }
  const Duration max = limits.tuning.max_attempt_timeout;
  return std::clamp(timeout, std::min<Duration>(limits.tuning.min_attempt_timeout, max), max);
}

Duration UpstreamHealth::StallTime(const UpstreamLimits& limits) const {
  if (!mean_.has_value()) return AttemptTimeout(limits);
  return std::max(kStallTimeMeans * *mean_, kMinStallTime);
}

void UpstreamHealth::OnWayFound() {
  if (state_ == State::kDown) GoOnTrial(/*was_down=*/true);
}

void UpstreamHealth::OnConnected(Duration elapsed, MonoTime now) {
  connect_time_ = elapsed;
  if (state_ != State::kDown) return;
  if (must_answer_) {
    GoOnTrial(/*was_down=*/true);
  } else {
    GoUp(now);
  }
}

void UpstreamHealth::OnStall() {
  if (state_ == State::kUp) GoOnTrial(/*was_down=*/false);
}

void UpstreamHealth::OnResponse(Duration elapsed, bool usable, MonoTime now) {
  silence_ = Duration::zero();
  AddSample(elapsed, /*may_lower=*/usable);
  OnAlive(now);
}

void UpstreamHealth::OnAlive(MonoTime now) {
  failures_in_row_ = 0;
  if (state_ != State::kUp) GoUp(now);
}

void UpstreamHealth::OnNetworkChange(MonoTime now) {
  failures_in_row_ = 0;
  silence_ = Duration::zero();
  probe_waits_ = 0;
  counted_loss_.reset();
  if (state_ == State::kDown) next_probe_ = now;
}

void UpstreamHealth::OnFailure(UpstreamFailure failure, bool connected, MonoTime now,
                               absl::BitGenRef random) {
  if (!IsTransportFailure(failure)) return;
  if (failure == UpstreamFailure::kOutOfResources) return OnOutOfResources(connected, now, random);
  const bool connect_failure = IsConnectFailure(failure);
  // Of a server that is down, only the probe that was due tells something new: not what was in
  // flight before, and not an attempt ahead of time because all others were down, too.
  if (state_ == State::kDown && (!connect_failure || now < next_probe_)) return;
  if (failure == UpstreamFailure::kConnectionLost && state_ != State::kDown && !was_down()) {
    if (counted_loss_.has_value() && now - *counted_loss_ < kOneLoss) return;
    counted_loss_ = now;
  }
  ++failures_in_row_;
  const bool trusted = state_ != State::kDown && !was_down();
  const bool enough = !trusted || failures_in_row_ >= kFailuresToGoDown;
  if (!(connect_failure && !connected) && !enough) return;
  last_failure_ = failure;
  if (trusted) must_answer_ = false;
  // A server that refuses our certificate may do so when the handshake is through.
  if (!connect_failure || failure == UpstreamFailure::kClientCertificate) must_answer_ = true;
  GoDown(now, random);
}

void UpstreamHealth::AddSample(Duration sample, bool may_lower) {
  sample = std::max(sample, Duration::zero());
  if (!mean_.has_value()) {
    mean_ = sample;
    best_mean_ = sample;
    slow_ = sample;
    deviation_ = sample / 2;
    return;
  }
  if (!may_lower) sample = std::max(sample, *mean_);
  const Duration step = std::max<Duration>(*slow_, Milliseconds(1)) / kSlowMarkSteps;
  slow_ = sample > *slow_ ? *slow_ + 19 * step : std::max(*slow_ - step, Duration::zero());
  // A mean below the clock's millisecond would hold samples at 0 for ever.
  const Duration cap = kLargestSample * std::max<Duration>(*mean_, Milliseconds(1));
  sample = std::min(sample, cap);
  const Duration difference = sample > *mean_ ? sample - *mean_ : *mean_ - sample;
  deviation_ += (difference - deviation_) / 4;
  *mean_ += (sample - *mean_) / 8;
  best_mean_ = std::min(*mean_, best_mean_ + best_mean_ / kBestMeanFade);
}

void UpstreamHealth::TakeDown(MonoTime now) {
  const bool steady = !up_since_.has_value() || now - *up_since_ >= kSteady;
  if (state_ != State::kDown && !was_down() && steady) probe_waits_ = 0;
  state_ = State::kDown;
}

void UpstreamHealth::GoDown(MonoTime now, absl::BitGenRef random) {
  TakeDown(now);
  Duration wait = kLongestProbeWait;
  if (!IsAboutCertificate(last_failure_) && probe_waits_ < 6) {
    wait = std::min(kLongestProbeWait, kFirstProbeWait * (1 << probe_waits_));
  }
  ++probe_waits_;
  SetNextProbe(wait, now, random);
}

// Nothing is known about the server but that it cannot be connected to: no reason to take it down
// where it is connected, to change what it is down for, or to wait longer each time.
void UpstreamHealth::OnOutOfResources(bool connected, MonoTime now, absl::BitGenRef random) {
  if (state_ == State::kProbation || connected) return;
  if (state_ == State::kDown && now < next_probe_) return;
  if (state_ == State::kUp) {
    last_failure_ = UpstreamFailure::kOutOfResources;
    must_answer_ = false;
    TakeDown(now);
  }
  SetNextProbe(kFirstProbeWait, now, random);
}

void UpstreamHealth::SetNextProbe(Duration wait, MonoTime now, absl::BitGenRef random) {
  absl::uniform_real_distribution<double> jitter(0.75, 1.25);
  next_probe_ = now + std::chrono::duration_cast<Duration>(wait * jitter(random));
}

void UpstreamHealth::GoOnTrial(bool was_down) {
  state_ = State::kProbation;
  was_down_ = was_down;
}

void UpstreamHealth::GoUp(MonoTime now) {
  state_ = State::kUp;
  failures_in_row_ = 0;
  up_since_ = now;
}

}  // namespace dotcache
