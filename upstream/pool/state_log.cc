// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/state_log.h"

#include <string>
#include <utility>

#include "core/log.h"

namespace dotcache {
namespace {

using Told = ProbeGate::Told;

Told WhatToTell(const UpstreamHealth& health) {
  if (health.state() == UpstreamHealth::State::kUp) return Told::kUp;
  if (health.last_failure() == UpstreamFailure::kOutOfResources) return Told::kUnasked;
  return IsAboutCertificate(health.last_failure()) ? Told::kDistrusted : Told::kDown;
}

}  // namespace

bool StateLog::Note(const UpstreamHealth& health, absl::string_view cause) {
  if (health.state() == UpstreamHealth::State::kProbation) return false;
  const Told now = WhatToTell(health);
  const bool up = now == Told::kUp;
  const Told before = std::exchange(told_, now);
  const bool came_or_went = up != (before == Told::kUp);
  if (now == before || !gate_.TellOnce(now) || quiet_) return came_or_went;
  const std::string address = server_.endpoint.ToString();
  if (up) {
    Log(LogLevel::kInfo, "upstream up", {{"provider", server_.provider}, {"address", address}});
    return came_or_went;
  }
  Log(LogLevel::kWarn, "upstream down",
      {{"provider", server_.provider},
       {"address", address},
       {"phase", UpstreamFailurePhase(health.last_failure())},
       {"failure", UpstreamFailureName(health.last_failure())},
       {"cause", cause}});
  return came_or_went;
}

}  // namespace dotcache
