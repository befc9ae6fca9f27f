// SPDX-License-Identifier: Apache-2.0
// A keyed hash and its secret.
#ifndef DOTCACHE_CORE_SIPHASH_H_
#define DOTCACHE_CORE_SIPHASH_H_

#include <array>
#include <cstdint>

#include "core/bytes.h"

namespace dotcache {

// The secret of the hash: a client cannot choose names that meet in one shard or bucket.
struct HashSeed {
  uint64_t k0 = 0;
  uint64_t k1 = 0;

  // From the kernel's random source.
  static HashSeed Random();

  // The 16 octets of a key as others write it, the first octet the least of k0.
  static HashSeed FromOctets(const std::array<uint8_t, 16>& octets);
};

// SipHash-1-3: a keyed hash whose collisions stay unpredictable to who does not know the seed.
uint64_t SipHash13(const HashSeed& seed, Bytes octets);

// SipHash-2-4, for hashes that leave the program. Its octets in little-endian order are the hash as
// others write it.
uint64_t SipHash24(const HashSeed& seed, Bytes octets);

}  // namespace dotcache

#endif  // DOTCACHE_CORE_SIPHASH_H_
