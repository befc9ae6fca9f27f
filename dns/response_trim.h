// SPDX-License-Identifier: Apache-2.0
// Removes records from a response.
#ifndef DOTCACHE_DNS_RESPONSE_TRIM_H_
#define DOTCACHE_DNS_RESPONSE_TRIM_H_

#include <optional>

#include "absl/container/inlined_vector.h"
#include "core/bytes.h"
#include "dns/response_walk.h"

namespace dotcache {

// One flag per record of a response: true when the record stays.
using RecordSet = absl::InlinedVector<bool, 16>;

// Returns the response with only the records of `kept`, in their order, without OPT and TSIG. The
// octets before the first removed record stay unchanged. Names in later records are decompressed. A
// name that is a single pointer into the unchanged octets is copied instead. So no pointer leads
// into removed octets.
//
// nullopt when the result is longer than a message can be. REQUIRES: `records` come from
// WalkResponse(response); kept.size() == records.size().
std::optional<WireMessage> TrimResponse(Bytes response, size_t records_begin,
                                        const ResponseRecords& records, const RecordSet& kept);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_RESPONSE_TRIM_H_
