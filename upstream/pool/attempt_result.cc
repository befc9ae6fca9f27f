// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/attempt_result.h"

namespace dotcache {

bool IsUsable(const AttemptResult& result) {
  const UpstreamResponse* response = std::get_if<UpstreamResponse>(&result);
  return response != nullptr && response->facts.kind != ResponseKind::kServFail &&
         response->facts.kind != ResponseKind::kOtherError;
}

bool IsWord(const AttemptResult& result) {
  const UpstreamFailure* failure = std::get_if<UpstreamFailure>(&result);
  return failure == nullptr || UpstreamFailurePhase(*failure) == "response";
}

void CountResult(const AttemptResult& result, Duration elapsed, UpstreamCounters& counters) {
  if (IsUsable(result)) {
    counters.responses.Add();
    counters.response_time.Record(elapsed);
    return;
  }
  counters.failures.Add();
  const UpstreamFailure* failure = std::get_if<UpstreamFailure>(&result);
  const UpstreamFailure reason = failure == nullptr ? UpstreamFailure::kServFail : *failure;
  if (Counter* counter = RejectionCounter(reason, counters)) counter->Add();
}

}  // namespace dotcache
