// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/state_log.h"

#include <algorithm>
#include <chrono>

#include "core/log.h"

namespace dotcache {

StateLog::StateLog(EventLoop& loop, const UpstreamServerOptions& server, bool quiet)
    : loop_(loop),
      server_(server),
      quiet_(quiet),
      lines_counted_(loop.Now()),
      timer_(loop.NewTimer([this] { TellWhenAllowed(); })) {}

void StateLog::Note(const UpstreamHealth& health, absl::string_view cause) {
  if (health.down() && !cause.empty()) cause_ = std::string(cause);
  if (quiet_ || stopped_ || health.state() == UpstreamHealth::State::kOnTrial) return;
  now_ = health.down() ? Told(health.last_failure()) : std::nullopt;
  if (now_ != told_ && !timer_->armed()) TellWhenAllowed();
}

void StateLog::Stop() {
  stopped_ = true;
  timer_->Stop();
}

void StateLog::TellWhenAllowed() {
  if (now_ == told_) return;
  const MonoTime now = loop_.Now();
  const std::chrono::duration<double> passed = now - lines_counted_;
  const std::chrono::duration<double> interval = kInterval;
  lines_left_ = std::min(kBurst, lines_left_ + passed / interval);
  lines_counted_ = now;
  if (lines_left_ < 1) {
    timer_->Start(std::chrono::duration_cast<Duration>((1 - lines_left_) * interval) +
                  Milliseconds(1));
    return;
  }
  lines_left_ -= 1;
  told_ = now_;
  const std::string address = server_.endpoint.ToString();
  if (!now_.has_value()) {
    Log(LogLevel::kInfo, "upstream up", {{"provider", server_.provider}, {"address", address}});
    return;
  }
  Log(LogLevel::kWarn, "upstream down",
      {{"provider", server_.provider},
       {"address", address},
       {"phase", UpstreamFailurePhase(*now_)},
       {"failure", UpstreamFailureName(*now_)},
       {"cause", cause_}});
}

}  // namespace dotcache
