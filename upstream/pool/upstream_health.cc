// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/upstream_health.h"

#include <algorithm>

#include "absl/random/uniform_real_distribution.h"

namespace dotcache {
namespace {

constexpr int kFailuresToGoDown = 3;
constexpr Duration kFirstProbeWait = Milliseconds(500);
constexpr Duration kLongestProbeWait = Seconds(30);
// After this time up, the back-off of a server begins anew.
constexpr Duration kSteady = Seconds(30);
constexpr Duration kOneLoss = Seconds(1);
constexpr int kLargestSample = 3;  // Times the mean.
// For a server without a response so far. Late responses are used, so too short costs one query.
constexpr Duration kFirstTimeout = Milliseconds(400);
constexpr int kFirstTimeoutConnects = 3;
constexpr Duration kMinStallTime = Milliseconds(40);
constexpr int kStallTimeMeans = 4;
constexpr int kTrialConnects = 3;
constexpr Duration kMinTrialTime = Milliseconds(200);
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

Duration UpstreamHealth::TrialTime(const UpstreamLimits& limits) const {
  const Duration handshakes = kTrialConnects * connect_time_.value_or(Duration::zero());
  return std::clamp<Duration>(std::max(handshakes, AttemptTimeout(limits)),
                              std::min<Duration>(kMinTrialTime, limits.tuning.max_attempt_timeout),
                              limits.tuning.max_attempt_timeout);
}

void UpstreamHealth::OnConnected(Duration elapsed, bool proves_life, MonoTime now) {
  if (proves_life) connect_time_ = elapsed;
  if (down() && proves_life && !must_answer_) OnAlive(now);
}

void UpstreamHealth::OnSilence() {
  if (state_ == State::kUp) state_ = State::kOnTrial;
}

void UpstreamHealth::OnResponse(Duration elapsed, bool usable, MonoTime now) {
  silence_ = Duration::zero();
  AddSample(elapsed, /*may_lower=*/usable);
  OnAlive(now);
}

void UpstreamHealth::OnAlive(MonoTime now) {
  failures_in_row_ = 0;
  if (down()) up_since_ = now;
  state_ = State::kUp;
}

void UpstreamHealth::OnNetworkChange(MonoTime now) {
  failures_in_row_ = 0;
  silence_ = Duration::zero();
  probe_waits_ = 0;
  counted_loss_.reset();
  if (down()) next_probe_ = now;
}

void UpstreamHealth::OnFailure(UpstreamFailure failure, bool connected, MonoTime now,
                               absl::BitGenRef random) {
  if (!IsTransportFailure(failure)) return;
  if (failure == UpstreamFailure::kOutOfResources) return OnOutOfResources(connected, now, random);
  // For a server that is down, only a probe that was due is new evidence.
  if (down() && now < next_probe_) return;
  if (failure == UpstreamFailure::kConnectionLost && state_ == State::kUp) {
    if (counted_loss_.has_value() && now - *counted_loss_ < kOneLoss) return;
    counted_loss_ = now;
  }
  ++failures_in_row_;
  const bool connect_failure = IsConnectFailure(failure);
  if (state_ == State::kUp && !(connect_failure && !connected) &&
      failures_in_row_ < kFailuresToGoDown) {
    return;
  }
  if (state_ != State::kDown) must_answer_ = false;
  // A server may reject our certificate after the handshake.
  if (!connect_failure || failure == UpstreamFailure::kClientCertificate) must_answer_ = true;
  last_failure_ = failure;
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
  // The clock counts milliseconds. A smaller mean would keep all samples at 0.
  const Duration cap = kLargestSample * std::max<Duration>(*mean_, Milliseconds(1));
  sample = std::min(sample, cap);
  const Duration difference = sample > *mean_ ? sample - *mean_ : *mean_ - sample;
  deviation_ += (difference - deviation_) / 4;
  *mean_ += (sample - *mean_) / 8;
  best_mean_ = std::min(*mean_, best_mean_ + best_mean_ / kBestMeanFade);
}

void UpstreamHealth::TakeDown(MonoTime now) {
  const bool steady = !up_since_.has_value() || now - *up_since_ >= kSteady;
  if (state_ != State::kDown && steady) probe_waits_ = 0;
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

// Nothing is known about the server, except that it cannot be connected to. That is no reason to
// take it down while it is connected, to change its last failure, or to wait longer each time.
void UpstreamHealth::OnOutOfResources(bool connected, MonoTime now, absl::BitGenRef random) {
  if (state_ == State::kOnTrial || connected) return;
  if (down() && now < next_probe_) return;
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

}  // namespace dotcache
