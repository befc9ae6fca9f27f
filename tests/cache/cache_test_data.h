// SPDX-License-Identifier: Apache-2.0
// Names, keys and entries for the tests of the cache, made by hand.
#ifndef DOTCACHE_TESTS_CACHE_CACHE_TEST_DATA_H_
#define DOTCACHE_TESTS_CACHE_CACHE_TEST_DATA_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cache/cache_entry.h"
#include "cache/cache_key.h"

namespace dotcache {

inline constexpr HashSeed kTestSeed{0x0706050403020100, 0x0f0e0d0c0b0a0908};

inline MonoTime At(int64_t seconds) { return MonoTime{Seconds{seconds}}; }

// The question for A of `label`.victim.example.
inline Question TestQuestion(absl::string_view label) {
  const std::string wire = absl::StrCat(std::string(1, static_cast<char>(label.size())), label,
                                        "\x06victim\x07", "example", absl::string_view("\0", 1));
  const Bytes octets(reinterpret_cast<const uint8_t*>(wire.data()), wire.size());
  return {DomainName::FromValidatedWire(octets), QType::kA, QClass::kIn};
}

inline CacheKey TestKey(absl::string_view label) {
  return {TestQuestion(label), false, false, kTestSeed};
}

// A message of at least `size` octets about the key's question, with one TTL.
inline StoredMessage TestMessage(const CacheKey& key, size_t size) {
  StoredMessage message;
  message.wire.assign(kHeaderSize, 0);
  message.wire.insert(message.wire.end(), key.question().begin(), key.question().end());
  message.wire.resize(std::max(size, message.wire.size()), 0xab);
  message.ttl_offsets = {static_cast<uint16_t>(message.wire.size() - 10)};
  return message;
}

// Stored at the epoch, fresh until `expires`.
inline CacheEntryRef TestEntry(const CacheKey& key, MonoTime expires = At(60), size_t size = 62) {
  return MakeCacheEntry(TestMessage(key, size), EntryFacts{}, At(0),
                        std::chrono::duration_cast<Seconds>(expires - At(0)));
}

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_CACHE_CACHE_TEST_DATA_H_
