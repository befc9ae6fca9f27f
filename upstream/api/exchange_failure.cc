// SPDX-License-Identifier: Apache-2.0
#include "upstream/api/exchange_failure.h"

#include "core/names.h"

namespace dotcache {
namespace {

constexpr Named<ExchangeFailure> kTexts[] = {
    {ExchangeFailure::kTimeout, "no upstream server answered in time"},
    {ExchangeFailure::kUnreachable, "no upstream server can be reached"},
    {ExchangeFailure::kLoop, "forwarding loop: queries to the upstream server come back"},
    {ExchangeFailure::kErrors, "upstream servers answered with errors"},
    {ExchangeFailure::kLimit, "too many queries are waiting"},
    {ExchangeFailure::kMalformed, "the upstream response was malformed"},
    {ExchangeFailure::kReferral,
     "the upstream server sent no answer but a referral: is it an authoritative server?"},
    {ExchangeFailure::kTruncated, "the upstream server sent a truncated response over a stream"},
    {ExchangeFailure::kAliases, "the aliases of the name form a loop, or are too many"}};

}  // namespace

std::string ExchangeFailureText(ExchangeFailure failure) {
  return std::string(NameOf(kTexts, failure, ""));
}

}  // namespace dotcache
