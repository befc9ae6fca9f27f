#include "upstream/state_log.h"

#include <string>

#include "core/log.h"

namespace dotcache {

void LogStateChange(const UpstreamServerOptions& server, bool up, UpstreamFailure failure,
                    absl::string_view cause) {
  const std::string address = server.endpoint.ToString();
  if (up) {
    Log(LogLevel::kInfo, "upstream up", {{"provider", server.provider}, {"address", address}});
    return;
  }
  Log(LogLevel::kWarn, "upstream down",
      {{"provider", server.provider},
       {"address", address},
       {"phase", UpstreamFailurePhase(failure)},
       {"failure", UpstreamFailureName(failure)},
       {"cause", cause}});
}

}  // namespace dotcache
