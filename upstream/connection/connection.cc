// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/connection.h"

#include <utility>

#include "dns/message_header.h"

namespace dotcache {

AttemptResult JudgeResponse(Bytes response, const Question& question, EdnsInfo* edns) {
  auto inspected = InspectResponse(response, question);
  if (const ResponseDefect* defect = std::get_if<ResponseDefect>(&inspected)) {
    return *defect == ResponseDefect::kNotAnAnswer ? UpstreamFailure::kNotAnAnswer
                                                   : UpstreamFailure::kMalformed;
  }
  ResponseFacts& facts = std::get<ResponseFacts>(inspected);
  *edns = facts.edns;
  if (facts.truncated) return UpstreamFailure::kTruncated;
  // An error that does not repeat the question is no reply to build on.
  if (LoadHeader(response).qdcount == 0) return UpstreamFailure::kServFail;
  if (facts.kind == ResponseKind::kReferral) return UpstreamFailure::kNotAnAnswer;
  return UpstreamResponse{WireMessage(response.begin(), response.end()), std::move(facts)};
}

}  // namespace dotcache
