// SPDX-License-Identifier: Apache-2.0
// Compares the result of our parsers with that of ldns_wire2pkt(). Only for octets that have passed
// our gate, because ldns does not bound its work and does not free a second TSIG.
#ifndef DOTCACHE_TESTS_FUZZ_LDNS_DIFFERENTIAL_H_
#define DOTCACHE_TESTS_FUZZ_LDNS_DIFFERENTIAL_H_

#include "core/bytes.h"
#include "dns/edns.h"
#include "dns/query.h"
#include "dns/question.h"
#include "dns/response_walk.h"

namespace dotcache {

// Larger messages are left out. Our walk accepts TXT records with very many strings, and ldns needs
// seconds for them.
inline constexpr size_t kMaxDifferentialSize = 4096;

// The query's header, question and OPT.
void CheckQueryAgainstLdns(const Query& query, Bytes message);

// Each record of a response that InspectResponse() accepts for this question. Compares section,
// owner, type, class, TTL, and every octet of the RDATA with names written in full.
void CheckResponseAgainstLdns(Bytes response, const Question& question);

// False when ldns would misread a record, and all octets after it.
bool LdnsKnowsAllForms(const ResponseRecords& records);

// The options of an OPT record.
void CheckOptionsAgainstLdns(const EdnsInfo& edns, Bytes rdata);

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_FUZZ_LDNS_DIFFERENTIAL_H_
