// SPDX-License-Identifier: Apache-2.0
// Compression of the names in a message that is being written.
#ifndef DOTCACHE_DNS_NAME_COMPRESSOR_H_
#define DOTCACHE_DNS_NAME_COMPRESSOR_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "core/bytes.h"
#include "dns/domain_name.h"

namespace dotcache {

// Appends names to a message. If the message holds the end of a name already, in the same spelling,
// a pointer replaces it (RFC 1035 section 4.1.4). A pointer never changes the spelling of a name.
//
// Limits: the compressor looks at the first kMaxSuffixes labels of each appended name, so that a
// message costs bounded work. A name needs at most kMaxHops pointers. Pointers lead into the first
// 16 KiB, as 14 bits allow.
//
// Holds a reference: the message must outlive the compressor, and may grow only at its end. Not
// thread-safe.
class NameCompressor {
 public:
  static constexpr int kMaxSuffixes = 8;
  static constexpr int kMaxHops = 8;

  explicit NameCompressor(WireMessage& message) : message_(message) {}

  // Appends `name`.
  void Append(const DomainName& name);

  // Notes that the message holds `name`, written in full, at `offset`. Notes all of its suffixes,
  // so it is for few names, such as the QNAME: a reverse name of IPv6 has 34 labels.
  void Note(const DomainName& name, size_t offset);

 private:
  struct Place {
    uint16_t offset = 0;
    int hops = 0;  // Pointers that a reader follows from there.
  };

  // Notes the suffixes of `canonical` that begin before `end`, an offset in the name. The message
  // holds the name at `offset`.
  void NoteSuffixes(const DomainName& canonical, size_t end, size_t offset, int hops,
                    int max_suffixes = kMaxSuffixes);
  bool IsAt(size_t offset, Bytes suffix) const;

  WireMessage& message_;                       // Not owned.
  absl::flat_hash_map<size_t, Place> places_;  // By the hash of a canonical name.
};

}  // namespace dotcache

#endif  // DOTCACHE_DNS_NAME_COMPRESSOR_H_
