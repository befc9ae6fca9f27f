// SPDX-License-Identifier: Apache-2.0
#include "answer/extended_errors.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "dns/message_header.h"

namespace dotcache {
namespace {

ExtendedErrorCode CodeOf(ExchangeFailure failure) {
  switch (failure) {
    case ExchangeFailure::kUnreachable:
    case ExchangeFailure::kErrors:
      return ExtendedErrorCode::kNoReachableAuthority;
    case ExchangeFailure::kTimeout:
      return ExtendedErrorCode::kNetworkError;
    case ExchangeFailure::kMalformed:
    case ExchangeFailure::kReferral:
    case ExchangeFailure::kTruncated:
    case ExchangeFailure::kAliases:
      return ExtendedErrorCode::kInvalidData;
    case ExchangeFailure::kLoop:
    case ExchangeFailure::kLimit:
    case ExchangeFailure::kNone:
      break;
  }
  return ExtendedErrorCode::kOther;
}

// The text of RFC 8914 section 4 for a code of CodeOf().
std::string TextOf(ExtendedErrorCode code) {
  if (code == ExtendedErrorCode::kOther) return "Other Error";
  if (code == ExtendedErrorCode::kNoReachableAuthority) return "No Reachable Authority";
  if (code == ExtendedErrorCode::kNetworkError) return "Network Error";
  if (code == ExtendedErrorCode::kInvalidData) return "Invalid Data";
  return absl::StrCat("extended error ", static_cast<unsigned>(code));
}

// A cause with this bit is the RCODE of a response. Others are an ExchangeFailure.
constexpr uint16_t kRcodeCause = 0x8000;

std::string AnsweredText(Rcode rcode) {
  return absl::StrCat("upstream servers answered ", RcodeName(rcode));
}

ServFailCause ServFailCauseOf(ExchangeFailure failure) {
  switch (failure) {
    case ExchangeFailure::kNone:
    case ExchangeFailure::kTimeout:
      return ServFailCause::kTimeout;
    case ExchangeFailure::kUnreachable:
      return ServFailCause::kUnreachable;
    case ExchangeFailure::kLoop:
      return ServFailCause::kLoop;
    case ExchangeFailure::kErrors:
      return ServFailCause::kErrors;
    case ExchangeFailure::kLimit:
      return ServFailCause::kLimit;
    case ExchangeFailure::kMalformed:
    case ExchangeFailure::kReferral:
    case ExchangeFailure::kTruncated:
    case ExchangeFailure::kAliases:
      break;
  }
  return ServFailCause::kBadResponse;
}

ExtendedError TextForLimit(Limit limit) {
  switch (limit) {
    case Limit::kPerClient:
      return {ExtendedErrorCode::kOther, "too many queries of this client are waiting"};
    case Limit::kWaitersPerQuery:
      return {ExtendedErrorCode::kOther, "too many clients are waiting for this name"};
    default:
      return {ExtendedErrorCode::kOther, "too many queries are waiting"};
  }
}

}  // namespace

uint16_t CauseOf(ExchangeFailure failure) { return static_cast<uint16_t>(failure); }

std::string FailureCauseText(uint16_t cause) {
  if ((cause & kRcodeCause) != 0) return AnsweredText(static_cast<Rcode>(cause & ~kRcodeCause));
  return ExchangeFailureText(static_cast<ExchangeFailure>(cause));
}

FailureErrors ErrorFor(ExchangeFailure failure, size_t zone) {
  if (failure == ExchangeFailure::kLimit) return ErrorForLimit(Limit::kUpstream);
  FailureErrors errors{ServFailCauseOf(failure), {CodeOf(failure), ExchangeFailureText(failure)}};
  errors.origin.private_zone = zone != 0;
  return errors;
}

FailureErrors ErrorForStop() {
  FailureErrors errors{ServFailCause::kStopping,
                       {ExtendedErrorCode::kNotReady, "the server is stopping"}};
  errors.origin = {ReplySource::kRefused};
  return errors;
}

FailureErrors ErrorForLimit(Limit limit) {
  FailureErrors errors{ServFailCause::kLimit, TextForLimit(limit)};
  errors.origin = {ReplySource::kRefused};
  return errors;
}

FailureErrors ErrorForRefusal(const ResponseFacts& facts, QType qtype) {
  FailureErrors errors{ServFailCause::kErrors,
                       {ExtendedErrorCode::kNoReachableAuthority, AnsweredText(facts.rcode)},
                       facts.extended_error};
  errors.cause = static_cast<uint16_t>(kRcodeCause | static_cast<uint16_t>(facts.rcode));
  const bool of_service = qtype == QType::kHttps || qtype == QType::kSvcb;
  const bool refused = facts.rcode == Rcode::kNotImp || facts.rcode == Rcode::kRefused;
  if (of_service && refused) errors.rcode = facts.rcode;
  return errors;
}

ExtendedError StaleError(const CacheEntry& entry) {
  const bool denial = entry.kind == ResponseKind::kNxDomain;
  return {denial ? ExtendedErrorCode::kStaleNxDomainAnswer : ExtendedErrorCode::kStaleAnswer, ""};
}

FailureErrors RememberedError(const CacheEntry& entry) {
  FailureErrors errors{ServFailCause::kRemembered,
                       {ExtendedErrorCode::kCachedError,
                        absl::StrCat("cached failure: ", TextOf(entry.extended_error))},
                       entry.upstream_error()};
  errors.origin.private_zone = entry.failed_zone() != 0;
  errors.rcode = LoadHeader(entry.view().wire).header_rcode();
  return errors;
}

}  // namespace dotcache
