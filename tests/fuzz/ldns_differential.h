// SPDX-License-Identifier: Apache-2.0
// What our parsers accepted, read once more by ldns_wire2pkt(): both must have seen the same. Only
// for octets that have passed our gate, since ldns neither bounds its work nor frees a second TSIG.
#ifndef DOTCACHE_TESTS_FUZZ_LDNS_DIFFERENTIAL_H_
#define DOTCACHE_TESTS_FUZZ_LDNS_DIFFERENTIAL_H_

#include "core/bytes.h"
#include "dns/edns.h"
#include "dns/query.h"
#include "dns/question.h"

namespace dotcache {

// Larger messages are left out: of what our walk passes, a TXT record of very many strings still
// takes ldns seconds.
inline constexpr size_t kMaxDifferentialSize = 4096;

// The query's header, question and OPT.
void CheckQueryAgainstLdns(const Query& query, Bytes message);

// Each record of a response that InspectResponse() accepts for this question: its section, owner,
// type, class, TTL, and every octet of its RDATA with names written out.
void CheckResponseAgainstLdns(Bytes response, const Question& question);

// The options of an OPT record.
void CheckOptionsAgainstLdns(const EdnsInfo& edns, Bytes rdata);

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_FUZZ_LDNS_DIFFERENTIAL_H_
