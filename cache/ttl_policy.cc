// SPDX-License-Identifier: Apache-2.0
#include "cache/ttl_policy.h"

#include <algorithm>

namespace dotcache {
namespace {

CacheDecision KeepFor(Seconds fresh_for) {
  if (fresh_for <= Seconds{0}) return {};
  return {.store = true, .fresh_for = fresh_for};
}

CacheDecision DecideAnswer(const ResponseFacts& facts, const TtlCaps& caps) {
  // TTL 0 is for this one transaction (RFC 1035 section 3.2.1), whatever the floor is.
  if (facts.answer_ttl.value_or(0) == 0) return {};
  const Seconds ttl{*facts.answer_ttl};
  return KeepFor(std::min(std::max(ttl, caps.floor), caps.positive));
}

CacheDecision DecideNegative(const ResponseFacts& facts, const TtlCaps& caps) {
  // Without an SOA there is no TTL for it (RFC 2308 section 5).
  if (!facts.soa_ttl) return {};
  Seconds ttl = std::min({Seconds{*facts.soa_ttl}, caps.negative, caps.positive});
  // The CNAME chain to the missing name is positive data in the same message.
  if (facts.answer_ttl) ttl = std::min(ttl, Seconds{*facts.answer_ttl});
  return KeepFor(ttl);
}

}  // namespace

CacheDecision Decide(const ResponseFacts& facts, const TtlCaps& caps) {
  if (facts.truncated) return {};  // RFC 2181 section 9.
  switch (facts.kind) {
    case ResponseKind::kAnswer:
      return DecideAnswer(facts, caps);
    case ResponseKind::kNoData:
    case ResponseKind::kNxDomain:
      return DecideNegative(facts, caps);
    case ResponseKind::kReferral:
    case ResponseKind::kServFail:
    case ResponseKind::kOtherError:
      return {};
  }
  return {};
}

Seconds FailureTtl(int failures, const CacheOptions& options) {
  Seconds ttl = options.failure_ttl;
  for (int i = 1; i < failures && ttl < options.failure_max_ttl; ++i) ttl *= 2;
  return std::min(ttl, options.failure_max_ttl);
}

}  // namespace dotcache
