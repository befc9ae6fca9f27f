// SPDX-License-Identifier: Apache-2.0
#include "answer/extended_errors.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "core/names.h"
#include "dns/message_header.h"

namespace dotcache {
namespace {

constexpr Named<ExtendedErrorCode> kNames[] = {
    {ExtendedErrorCode::kOther, "Other Error"},
    {ExtendedErrorCode::kNoReachableAuthority, "No Reachable Authority"},
    {ExtendedErrorCode::kNetworkError, "Network Error"},
    {ExtendedErrorCode::kInvalidData, "Invalid Data"}};

}  // namespace

ExtendedError ErrorFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return {ExtendedErrorCode::kNoReachableAuthority, "no upstream server can be reached"};
    case absl::StatusCode::kDeadlineExceeded:
      return {ExtendedErrorCode::kNetworkError, "no upstream server answered in time"};
    case absl::StatusCode::kFailedPrecondition:
      return {ExtendedErrorCode::kOther,
              "forwarding loop: queries to the upstream server come back"};
    case absl::StatusCode::kDataLoss:
      return {ExtendedErrorCode::kInvalidData, status.message().empty()
                                                   ? "no upstream response could be used"
                                                   : std::string(status.message())};
    case absl::StatusCode::kAborted:
      return {ExtendedErrorCode::kNoReachableAuthority, "upstream servers answered with errors"};
    case absl::StatusCode::kResourceExhausted:
      return ErrorForLimit(Limit::kUpstream);
    default:
      return {ExtendedErrorCode::kOther, "the query could not be forwarded"};
  }
}

ExtendedError ErrorForLimit(Limit limit) {
  switch (limit) {
    case Limit::kPerClient:
      return {ExtendedErrorCode::kOther, "too many queries of this client are waiting"};
    case Limit::kWaitersPerQuery:
      return {ExtendedErrorCode::kOther, "too many clients are waiting for this name"};
    default:
      return {ExtendedErrorCode::kOther, "too many queries are waiting"};
  }
}

FailureErrors ErrorForRefusal(const ResponseFacts& facts, QType qtype) {
  const std::string said = absl::StrCat("upstream servers answered ", RcodeName(facts.rcode));
  FailureErrors errors({ExtendedErrorCode::kNoReachableAuthority, said}, facts.extended_error);
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
  const std::string original = NameOrNumber(kNames, entry.extended_error, "extended error ");
  FailureErrors errors(
      {ExtendedErrorCode::kCachedError, absl::StrCat("cached failure: ", original)},
      entry.upstream_error());
  errors.rcode = LoadHeader(entry.view().wire).header_rcode();
  return errors;
}

}  // namespace dotcache
