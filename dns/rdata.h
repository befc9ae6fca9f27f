// SPDX-License-Identifier: Apache-2.0
// The format of RDATA by type.
#ifndef DOTCACHE_DNS_RDATA_H_
#define DOTCACHE_DNS_RDATA_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/bytes.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "dns/wire_cursor.h"

namespace dotcache {

// The format of the RDATA of `type`: one character for each field, in order.
//
//   1-9  that number of octets                    n  a name of a type of RFC 1035
//   s    a <character-string>                     u  a name of another type
//   t    a <character-string> that is not empty   o  a <character-string>, or the end
//   S    <character-string>s up to the end, at least one
//   U    names like 'u', up to the end
//   b    type bitmaps up to the end (RFC 4034 section 4.1.2)
//   p    SvcParams up to the end (RFC 9460 section 2.2)
//   h    HIP's algorithm, HIT and public key (RFC 8005 section 5)
//   g    IPSECKEY's gateway type, algorithm and gateway (RFC 4025 section 2.1)
//   m    AMTRELAY's type and relay (RFC 8777 section 4.2)
//   x    A6's prefix length, suffix and prefix name (RFC 2874 section 3.1)
//   a    APL's items up to the end (RFC 3123 section 4)
//   l    LOC, of version 0 or of an unknown version (RFC 1876 section 2)
//   R    at least one octet, up to the end        r  any octets, or none, up to the end
//
// An unknown type has the format "r" (RFC 3597 section 3).
absl::string_view RdataForm(QType type);

// False for types that ldns 1.8.3 reads in another format than their RFC defines.
bool LdnsKnowsFormOf(QType type);

// A name in RDATA. Its octets in the message are [begin, end).
struct RdataName {
  uint16_t begin = 0;
  uint16_t end = 0;
  bool compressible = false;  // A name of the kind 'n'.

  // The name, decompressed, with the case of the message.
  DomainName ReadFrom(Bytes message) const { return WireCursor(message, begin, end).ReadName(); }
};

struct RdataRead {
  size_t repeated_fields = 0;  // Fields of the kinds 'S' and 'U'.
  // A name of the kind 'u' or 'U' is compressed. It must be relayed in full (RFC 3597 section 4).
  bool must_expand = false;
};

// Reads the RDATA that `cursor` spans. Afterwards cursor.AtEnd() is true exactly when the RDATA has
// the format of `type`. Appends the names in the RDATA to `names`, unless `names` is null.
RdataRead ReadRdata(QType type, WireCursor& cursor, std::vector<RdataName>* names);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_RDATA_H_
