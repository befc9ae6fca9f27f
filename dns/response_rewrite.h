// SPDX-License-Identifier: Apache-2.0
// Rewrites a response: with some of its records, in another order, with names in full.
#ifndef DOTCACHE_DNS_RESPONSE_REWRITE_H_
#define DOTCACHE_DNS_RESPONSE_REWRITE_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "core/bytes.h"
#include "dns/answer_chain.h"
#include "dns/response_walk.h"

namespace dotcache {

// A message of the header and question of `response` and the listed records, in the order of
// `layout`. An element of `layout` is an index into `records`; records.size() + n stands for
// cnames[n]. The sections keep their order. OPT and TSIG are left out.
//
// Owner names, and the names in RDATA of the types of RFC 1035, become pointers to names that were
// written before. The QNAME always becomes a pointer, so that a reply shows the client's spelling.
// All other names are written in full (RFC 3597 section 4). nullopt when the message would be
// longer than 65,535 octets.
//
// REQUIRES: `records` come from WalkResponse(response).
std::optional<WireMessage> RewriteResponse(Bytes response, size_t records_begin,
                                           const ResponseRecords& records,
                                           absl::Span<const SynthesizedCname> cnames,
                                           absl::Span<const size_t> layout);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_RESPONSE_REWRITE_H_
