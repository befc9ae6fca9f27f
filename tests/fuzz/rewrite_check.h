// SPDX-License-Identifier: Apache-2.0
// Compares a rewritten response with the response that it comes from.
#ifndef DOTCACHE_TESTS_FUZZ_REWRITE_CHECK_H_
#define DOTCACHE_TESTS_FUZZ_REWRITE_CHECK_H_

#include "core/bytes.h"
#include "dns/question.h"
#include "dns/response.h"

namespace dotcache {

// Checks facts.rewritten, which InspectResponse() made from `response`:
// - it is well formed, has the same meaning, and would not be rewritten again;
// - each of its records is a record of the response in the same section, with the same owner, type,
//   TTL and RDATA except for the spelling of names, and occurs no more often;
// - the exception is a CNAME that a DNAME of the answer implies (RFC 6672 section 3.1).
void CheckRewritten(Bytes response, const ResponseFacts& facts, const Question& question);

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_FUZZ_REWRITE_CHECK_H_
