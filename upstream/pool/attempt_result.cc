// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/attempt_result.h"

#include "dns/message_header.h"

namespace dotcache {

bool IsErrorResponse(const ResponseFacts& facts) {
  return facts.kind == ResponseKind::kServFail ||
         (facts.kind == ResponseKind::kOtherError && facts.rcode != Rcode::kYxDomain);
}

bool IsRefusal(Rcode rcode) { return rcode == Rcode::kNotImp || rcode == Rcode::kRefused; }

bool IsDoubtful(const ResponseFacts& facts) {
  const bool denies = facts.kind == ResponseKind::kNoData || facts.kind == ResponseKind::kNxDomain;
  return denies && !facts.soa_ttl.has_value();
}

int RankOf(const ResponseFacts& facts) {
  if (!IsErrorResponse(facts)) return 2;
  return IsRefusal(facts.rcode) ? 0 : 1;
}

bool IsUsable(const AttemptResult& result) {
  const UpstreamResponse* response = std::get_if<UpstreamResponse>(&result);
  return response != nullptr && !IsErrorResponse(response->facts);
}

bool IsFromServer(const AttemptResult& result) {
  const UpstreamFailure* failure = std::get_if<UpstreamFailure>(&result);
  return failure == nullptr || UpstreamFailurePhase(*failure) == "response";
}

bool IsUseless(UpstreamFailure failure) {
  return failure == UpstreamFailure::kMalformed || failure == UpstreamFailure::kNotAnAnswer ||
         failure == UpstreamFailure::kTruncated;
}

void ClearAuthenticData(AttemptResult& result) {
  UpstreamResponse* response = std::get_if<UpstreamResponse>(&result);
  if (response == nullptr) return;
  MessageHeader header = LoadHeader(response->wire);
  header.flags &= static_cast<uint16_t>(~kFlagAd);
  StoreHeader(MutableBytes(response->wire), header);
}

void CountResult(const AttemptResult& result, UpstreamCounters& counters) {
  const auto* response = std::get_if<UpstreamResponse>(&result);
  if (response != nullptr) counters.by_rcode[RcodeSlot(response->facts.rcode)].Add();
  if (IsUsable(result)) {
    counters.responses.Add();
    return;
  }
  counters.failures.Add();
  const UpstreamFailure* failure = std::get_if<UpstreamFailure>(&result);
  const UpstreamFailure reason = failure == nullptr ? UpstreamFailure::kServFail : *failure;
  if (failure != nullptr) FailuresOf(reason, counters).Add();
  if (Counter* counter = RejectionCounter(reason, counters)) counter->Add();
}

}  // namespace dotcache
