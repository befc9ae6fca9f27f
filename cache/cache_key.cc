// SPDX-License-Identifier: Apache-2.0
#include "cache/cache_key.h"

#include <cstring>

namespace dotcache {

CacheKey::CacheKey(const Question& question, bool dnssec_ok, bool checking_disabled,
                   const HashSeed& seed) {
  const Bytes qname = question.qname.wire();
  std::memcpy(octets_, qname.data(), qname.size());
  uint8_t* p = octets_ + qname.size();
  StoreU16(p, static_cast<uint16_t>(question.qtype));
  StoreU16(p + 2, static_cast<uint16_t>(question.qclass));
  p[4] = static_cast<uint8_t>((dnssec_ok ? 1 : 0) | (checking_disabled ? 2 : 0));
  size_ = static_cast<uint16_t>(qname.size() + kTailSize);
  hash_ = SipHash13(seed, qname) + HashOfTail();
}

CacheKey& CacheKey::operator=(const CacheKey& other) {
  if (this == &other) return *this;
  hash_ = other.hash_;
  size_ = other.size_;
  std::memcpy(octets_, other.octets_, size_);
  return *this;
}

CacheKey CacheKey::With(QType qtype, uint8_t flags) const {
  CacheKey key(*this);
  key.hash_ = name_hash();
  StoreU16(key.octets_ + key.size_ - kTailSize, static_cast<uint16_t>(qtype));
  key.octets_[key.size_ - 1] = flags;
  key.hash_ += key.HashOfTail();
  return key;
}

}  // namespace dotcache
