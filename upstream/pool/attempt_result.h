// SPDX-License-Identifier: Apache-2.0
// The effect of an attempt's result on the state of the server.
#ifndef DOTCACHE_UPSTREAM_POOL_ATTEMPT_RESULT_H_
#define DOTCACHE_UPSTREAM_POOL_ATTEMPT_RESULT_H_

#include "upstream/api/upstream_counters.h"
#include "upstream/connection/connection.h"

namespace dotcache {

// An error RCODE; another server may have an answer. YXDOMAIN is an answer about a DNAME (RFC 6672
// section 2.2).
bool IsErrorResponse(const ResponseFacts& facts);

// True for an RCODE about the server's abilities, not about the name.
bool IsRefusal(Rcode rcode);

// True for a denial without SOA (RFC 2308 section 2.1). Another server may have the SOA, or the
// data. An alias without its target's data is one.
bool IsDoubtful(const ResponseFacts& facts);

// Of the responses about which a second server is queried, the one with the highest rank is the
// result: refusals have the lowest, then other errors, then doubtful denials.
int RankOf(const ResponseFacts& facts);

// True for a response that ends the exchange without another server.
bool IsUsable(const AttemptResult& result);

// True if the server sent it. False for a failure on the way.
bool IsFromServer(const AttemptResult& result);

// True for a message that was no answer: malformed, a referral, or truncated on a stream.
bool IsUseless(UpstreamFailure failure);

// Clears the AD bit of a response that did not arrive over a secure channel: anybody on the path
// may have set it (RFC 6840 section 5.8).
void ClearAuthenticData(AttemptResult& result);

// Counts the result of an attempt.
void CountResult(const AttemptResult& result, UpstreamCounters& counters);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_ATTEMPT_RESULT_H_
