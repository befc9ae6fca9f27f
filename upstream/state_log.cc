#include "upstream/state_log.h"

#include <string>

#include "core/log.h"

namespace dotcache {

bool StateLog::Note(const UpstreamHealth& health, absl::string_view cause) {
  const bool up = health.state() == UpstreamHealth::State::kUp;
  const bool down = health.state() == UpstreamHealth::State::kDown;
  if (up == told_up_ || (!up && !down)) return false;
  told_up_ = up;
  if (!enabled_) return true;
  const std::string address = server_.endpoint.ToString();
  if (up) {
    Log(LogLevel::kInfo, "upstream up", {{"provider", server_.provider}, {"address", address}});
    return true;
  }
  Log(LogLevel::kWarn, "upstream down",
      {{"provider", server_.provider},
       {"address", address},
       {"phase", UpstreamFailurePhase(health.last_failure())},
       {"failure", UpstreamFailureName(health.last_failure())},
       {"cause", cause}});
  return true;
}

}  // namespace dotcache
