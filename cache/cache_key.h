// SPDX-License-Identifier: Apache-2.0
// The key of a cached response.
#ifndef DOTCACHE_CACHE_CACHE_KEY_H_
#define DOTCACHE_CACHE_CACHE_KEY_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/bytes.h"
#include "core/siphash.h"
#include "dns/question.h"

namespace dotcache {

// Question, DO and CD in one flat buffer, with its keyed 64-bit hash. A response to a query with DO
// never answers a query without DO (RFC 4035 section 3.2.1). The same holds for CD (RFC 6840
// section 5.9). A value type of fixed size; a copy copies only the octets in use. Equality compares
// the octets, not only the hash.
class CacheKey {
 public:
  CacheKey(const Question& question, bool dnssec_ok, bool checking_disabled, const HashSeed& seed);
  CacheKey(const CacheKey& other) { *this = other; }
  CacheKey& operator=(const CacheKey& other);

  // The key of an NXDOMAIN that holds for all types of the name. It is this key with QTYPE 0, which
  // no query has.
  CacheKey ForAllTypes() const { return With(QType::kNone, flags()); }

  // False for a DS. It is data of the zone above the name, and other servers may have that zone. So
  // its denials hold for the DS only, and no other denial holds for it.
  bool SharesDenials() const { return qtype() != QType::kDs; }

  // The key of the part of an answer that ends with an alias, whose target is elsewhere. No query
  // has its flags.
  CacheKey ForPart() const { return With(qtype(), flags() | kPart); }

  // This key with another QTYPE, and with other DO and CD flags.
  CacheKey With(QType qtype, uint8_t flags) const;

  // SipHash-1-3 of QNAME, plus a multiple of the other parts. The keys of one name thus need one
  // SipHash. An attacker does not know the hash of any name, so cannot choose names that collide.
  uint64_t hash() const { return hash_; }
  uint64_t name_hash() const { return hash_ - HashOfTail(); }

  // QNAME (canonical), QTYPE, QCLASS, one octet with DO (1) and CD (2).
  Bytes bytes() const { return Bytes(octets_, size_); }

  // The parts of bytes(): the question in wire format, and the octet with DO and CD.
  Bytes question() const { return Bytes(octets_, size_ - size_t{1}); }
  uint8_t flags() const { return octets_[size_ - 1]; }
  QType qtype() const { return static_cast<QType>(LoadU16(octets_ + size_ - kTailSize)); }

  static constexpr uint8_t kDnssecOk = 1;
  static constexpr uint8_t kCheckingDisabled = 2;
  static constexpr uint8_t kMaxFlags = 3;

  friend bool operator==(const CacheKey& a, const CacheKey& b) {
    return a.hash_ == b.hash_ && a.bytes() == b.bytes();
  }

  template <typename H>
  friend H AbslHashValue(H state, const CacheKey& key) {
    return H::combine(std::move(state), key.hash_);
  }

 private:
  static constexpr uint8_t kPart = 4;
  static constexpr size_t kTailSize = 5;  // QTYPE, QCLASS, flags.

  uint64_t HashOfTail() const {
    const uint8_t* tail = octets_ + size_ - kTailSize;
    const uint64_t parts = uint64_t{LoadU16(tail + 2)} << 18 | LoadU16(tail) << 2 | tail[4];
    return parts * 0x9e3779b97f4a7c15;  // 2^64 divided by the golden ratio: spreads all bits.
  }

  uint64_t hash_;
  uint16_t size_;
  uint8_t octets_[kMaxNameSize + kTailSize];
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_CACHE_KEY_H_
