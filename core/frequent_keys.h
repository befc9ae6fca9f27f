// SPDX-License-Identifier: Apache-2.0
// The most frequent keys of a stream, in bounded memory.
#ifndef DOTCACHE_CORE_FREQUENT_KEYS_H_
#define DOTCACHE_CORE_FREQUENT_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace dotcache {

// Space-Saving (Metwally, Agrawal and El Abbadi, 2005). There is a fixed number of counters. A key
// without a counter takes over the lowest one and its count, so a count is too high by at most that
// count, which is known. A key with more than 1/capacity of the stream always has a counter.
// Not thread-safe.
class FrequentKeys {
 public:
  struct Item {
    std::string key;
    uint64_t count = 0;  // At most this often.
    uint64_t error = 0;  // At least `count` - `error` times.
  };

  // REQUIRES: capacity > 0.
  explicit FrequentKeys(size_t capacity);

  void Add(absl::string_view key);

  uint64_t total() const { return total_; }  // Calls of Add().
  const std::vector<Item>& items() const { return items_; }

 private:
  void Rise(size_t place);
  void Sink(size_t place);
  void Place(size_t place, size_t item);

  const size_t capacity_;
  uint64_t total_ = 0;
  std::vector<Item> items_;
  absl::flat_hash_map<std::string, size_t> index_;  // By key, into `items_`.
  std::vector<size_t> heap_;                        // Of items; the lowest count is first.
  std::vector<size_t> places_;                      // By item: its place in `heap_`.
};

// The items of several streams, most frequent first, at most `limit`. The counts of a key are
// added.
std::vector<FrequentKeys::Item> MostFrequent(const std::vector<FrequentKeys>& streams,
                                             size_t limit);

}  // namespace dotcache

#endif  // DOTCACHE_CORE_FREQUENT_KEYS_H_
