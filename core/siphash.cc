// SPDX-License-Identifier: Apache-2.0
#include "core/siphash.h"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace dotcache {
namespace {

// The state of SipHash (Aumasson and Bernstein, 2012). SipHash-1-3 has 1 round per word and 3 final
// rounds. Rust, Python and Ruby use it for hash tables, because a table's hashes stay inside the
// process. Clients see cookies, so cookies use SipHash-2-4, which has a larger security margin.
template <int kWordRounds, int kFinalRounds>
struct SipState {
  uint64_t v0, v1, v2, v3;

  explicit SipState(const HashSeed& seed)
      : v0(seed.k0 ^ 0x736f6d6570736575),
        v1(seed.k1 ^ 0x646f72616e646f6d),
        v2(seed.k0 ^ 0x6c7967656e657261),
        v3(seed.k1 ^ 0x7465646279746573) {}

  void Round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32) + v3;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }

  void Absorb(uint64_t word) {
    v3 ^= word;
    for (int i = 0; i < kWordRounds; ++i) Round();
    v0 ^= word;
  }

  uint64_t Finish() {
    v2 ^= 0xff;
    for (int i = 0; i < kFinalRounds; ++i) Round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

// SipHash reads its input as little-endian words.
uint64_t LoadWord(const uint8_t* octets, size_t size = 8) {
  uint64_t word = 0;
  std::memcpy(&word, octets, size);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

// Loads the last `left` octets before `end`, fewer than a word. The input has `size` octets.
uint64_t LoadTail(const uint8_t* end, size_t left, size_t size) {
  if (left == 0) return 0;
  // One load that starts in the preceding word costs less than a copy of variable size.
  return size >= 8 ? LoadWord(end - 8) >> (8 * (8 - left)) : LoadWord(end - left, left);
}

template <typename State>
uint64_t SipHash(const HashSeed& seed, Bytes octets) {
  State state(seed);
  const size_t size = octets.size();
  const uint8_t* const end = octets.data() + size;
  size_t left = size;
  for (; left >= 8; left -= 8) state.Absorb(LoadWord(end - left));
  state.Absorb(LoadTail(end, left, size) | (static_cast<uint64_t>(size) << 56));
  return state.Finish();
}

}  // namespace

uint64_t SipHash13(const HashSeed& seed, Bytes octets) {
  return SipHash<SipState<1, 3>>(seed, octets);
}

uint64_t SipHash24(const HashSeed& seed, Bytes octets) {
  return SipHash<SipState<2, 4>>(seed, octets);
}

HashSeed HashSeed::FromOctets(const std::array<uint8_t, 16>& octets) {
  return {LoadWord(octets.data()), LoadWord(octets.data() + 8)};
}

HashSeed HashSeed::Random() {
  HashSeed seed;
  // getrandom() returns up to 256 octets completely or fails. Only the wait at boot can be
  // interrupted by a signal.
  while (getrandom(&seed, sizeof(seed), 0) != ssize_t{sizeof(seed)}) {
    // Without a secret, clients could cause hash collisions, so the process ends.
    if (errno != EINTR) std::abort();
  }
  return seed;
}

}  // namespace dotcache
