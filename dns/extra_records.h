// SPDX-License-Identifier: Apache-2.0
// Finds OPT and TSIG in a message that is rejected.
#ifndef DOTCACHE_DNS_EXTRA_RECORDS_H_
#define DOTCACHE_DNS_EXTRA_RECORDS_H_

#include <cstddef>
#include <optional>

#include "core/bytes.h"
#include "dns/edns.h"

namespace dotcache {

struct ExtraRecords {
  std::optional<EdnsInfo> edns;   // Of the first OPT.
  std::optional<size_t> tsig_at;  // Offset of the last record, if it is a TSIG.
};

// Reads the readable part of a message of any kind. An OPT is found if it is in the additional
// section and ends within the message. Its options may be malformed; they are then left out.
// REQUIRES: a header. Cost: linear; nothing is read in a message of more than 4096 octets.
ExtraRecords FindExtraRecords(Bytes message);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_EXTRA_RECORDS_H_
