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
  // Without the question it can be no answer about a DNAME.
  if (LoadHeader(response).qdcount == 0 && facts.rcode == Rcode::kYxDomain) {
    return UpstreamFailure::kMalformed;
  }
  if (facts.kind == ResponseKind::kReferral) return UpstreamFailure::kNotAnAnswer;
  return UpstreamResponse{WireMessage(response.begin(), response.end()), std::move(facts)};
}

void Connection::ChangeState(ConnectionState state) {
  const bool back = state_ == ConnectionState::kSilent && state == ConnectionState::kReady;
  if (state > state_ || back) state_ = state;
}

void Connection::BecomeReady() {
  ready_ = true;
  ChangeState(ConnectionState::kReady);
}

void Connection::GoSilent(MonoTime now) {
  if (state_ != ConnectionState::kReady) return;
  ChangeState(ConnectionState::kSilent);
  silent_since_ = now;
}

void Connection::NoteReceived(MonoTime now) {
  last_received_ = now;
  if (state_ == ConnectionState::kSilent) ChangeState(ConnectionState::kReady);
}

}  // namespace dotcache
