// SPDX-License-Identifier: Apache-2.0
// SipHash and its secret key.
#ifndef DOTCACHE_CORE_SIPHASH_H_
#define DOTCACHE_CORE_SIPHASH_H_

#include <array>
#include <cstdint>

#include "core/bytes.h"

namespace dotcache {

// The secret key of the hash. Without it, a client cannot choose names that collide in one shard or
// bucket. A value type.
struct HashSeed {
  uint64_t k0 = 0;
  uint64_t k1 = 0;

  // Reads a key from the kernel's random source. Ends the process if that fails.
  static HashSeed Random();

  // Reads the usual 16-octet form of a key. The first octet is the least significant octet of k0.
  static HashSeed FromOctets(const std::array<uint8_t, 16>& octets);
};

// SipHash-1-3, for hash tables. Its collisions are unpredictable without the key.
uint64_t SipHash13(const HashSeed& seed, Bytes octets);

// SipHash-2-4, for hashes that clients see. The octets of the result in little-endian order are the
// usual form of the hash.
uint64_t SipHash24(const HashSeed& seed, Bytes octets);

}  // namespace dotcache

#endif  // DOTCACHE_CORE_SIPHASH_H_
