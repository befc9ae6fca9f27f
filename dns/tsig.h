// SPDX-License-Identifier: Apache-2.0
// TSIG records (RFC 8945). This server has no key, and replies with BADKEY.
#ifndef DOTCACHE_DNS_TSIG_H_
#define DOTCACHE_DNS_TSIG_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "dns/domain_name.h"

namespace dotcache {

// The parts of a client's TSIG record that its reply repeats.
struct TsigRecord {
  DomainName key;
  Bytes algorithm;       // A name in wire format. Refers to the message.
  Bytes time_and_fudge;  // Refers to the message.
};

// Reads the record at `offset`. nullopt unless it is the last one of the message, and a TSIG of
// class ANY with the format of RFC 8945 section 4.2. The key may be a compressed name.
std::optional<TsigRecord> ReadTsig(Bytes message, size_t offset);

// The size of the record that AppendBadKey() writes.
size_t BadKeySize(const TsigRecord& tsig);

// Appends the TSIG of an unsigned reply to a client whose key is unknown: BADKEY with an empty MAC
// (RFC 8945 sections 5.2.1 and 5.3.2). Counts it in the header of the message of `size` octets in
// `out`, and returns the new size. REQUIRES: `out` has room for BadKeySize() more octets.
size_t AppendBadKey(const TsigRecord& tsig, MutableBytes out, size_t size);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_TSIG_H_
