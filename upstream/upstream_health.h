// Response time and health of one upstream server: arithmetic only.
#ifndef DOTCACHE_UPSTREAM_UPSTREAM_HEALTH_H_
#define DOTCACHE_UPSTREAM_UPSTREAM_HEALTH_H_

#include <optional>

#include "absl/random/bit_gen_ref.h"
#include "core/clock.h"
#include "upstream/upstream_failure.h"
#include "upstream/upstream_options.h"

namespace dotcache {

// What is known of a server, from what was seen of it. Says nothing of its answers' content: only
// evidence about the transport marks a server down.
//
//   kUp         initially, and after any response.
//   kDown       after a failed connect when nothing else is connected, or 3 transport failures in a
//               row. Until next_probe(): 0.5 s x 2^n, at most 30 s, give or take a quarter; n goes
//               on counting while the server was up for less than 30 s in between, so that one that
//               flaps is asked seldom. A certificate that does not verify means 30 s at once.
//   kProbation  it was down for not answering and could be connected to again: one query may show
//               whether it answers; one more failure and it is down again.
//
// A value, without a clock of its own; not thread-safe.
class UpstreamHealth {
 public:
  enum class State : uint8_t { kUp, kProbation, kDown };

  State state() const { return state_; }

  // REQUIRES: state() == kDown.
  MonoTime next_probe() const { return next_probe_; }

  // The latest transport failure.
  UpstreamFailure last_failure() const { return last_failure_; }

  // Transport failures since anything was received.
  int failures_in_row() const { return failures_in_row_; }

  // Mean response time, smoothed as RFC 6298 section 2 does, each sample cut to three times the
  // mean: one slow answer moves it, but does not throw it. nullopt before the first sample.
  std::optional<Duration> response_time() const { return mean_; }

  // clamp(mean + 4 deviations, min, max) of the limits; for a mean still unknown, 400 ms instead.
  Duration AttemptTimeout(const UpstreamLimits& limits) const;

  // A connection became ready.
  void OnConnected(MonoTime now);

  // A response came `elapsed` after the query. An error response never lowers the mean: whoever
  // fails fast shall not look fast.
  void OnResponse(Duration elapsed, bool usable, MonoTime now);

  // A whole message came, of which nothing is known but that it came.
  void OnAlive(MonoTime now);

  // No response came within `elapsed`: it would have taken at least that long.
  void OnSlow(Duration elapsed) { AddSample(elapsed, /*may_lower=*/false); }

  // A transport failure; any other is ignored. `connected`: another connection to it is ready.
  void OnFailure(UpstreamFailure failure, bool connected, MonoTime now, absl::BitGenRef random);

 private:
  void AddSample(Duration sample, bool may_lower);
  void GoDown(MonoTime now, absl::BitGenRef random);
  void GoUp(MonoTime now);

  State state_ = State::kUp;
  UpstreamFailure last_failure_ = UpstreamFailure::kTimeout;
  int failures_in_row_ = 0;
  int probe_waits_ = 0;               // n of the back-off.
  bool must_answer_ = false;          // It was down for not answering.
  std::optional<MonoTime> up_since_;  // nullopt: it was never down.
  MonoTime next_probe_;
  std::optional<Duration> mean_;
  Duration deviation_{0};
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_UPSTREAM_HEALTH_H_
