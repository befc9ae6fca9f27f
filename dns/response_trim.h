// SPDX-License-Identifier: Apache-2.0
// Cutting records out of a response.
#ifndef DOTCACHE_DNS_RESPONSE_TRIM_H_
#define DOTCACHE_DNS_RESPONSE_TRIM_H_

#include <optional>

#include "absl/container/inlined_vector.h"
#include "core/bytes.h"
#include "dns/response_walk.h"

namespace dotcache {

// Which records of a response stay, by index.
using RecordSet = absl::InlinedVector<bool, 16>;

// The response with the records of `kept` alone, in their order, and without OPT and TSIG. What
// stands before the first cut stays as it is. Behind it a name is written out unless it is one
// pointer to what stands before: so no pointer leads into what was cut, whatever the message.
// nullopt when that makes it longer than a message can be. REQUIRES: `records` come from
// WalkResponse(response); kept.size() == records.size().
std::optional<WireMessage> TrimResponse(Bytes response, size_t records_begin,
                                        const ResponseRecords& records, const RecordSet& kept);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_RESPONSE_TRIM_H_
