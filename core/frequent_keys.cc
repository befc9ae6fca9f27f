// SPDX-License-Identifier: Apache-2.0
#include "core/frequent_keys.h"

#include <algorithm>
#include <utility>

namespace dotcache {

FrequentKeys::FrequentKeys(size_t capacity) : capacity_(capacity) {
  items_.reserve(capacity);
  index_.reserve(capacity);
  heap_.reserve(capacity);
  places_.reserve(capacity);
}

void FrequentKeys::Add(absl::string_view key) {
  ++total_;
  if (const auto found = index_.find(key); found != index_.end()) {
    ++items_[found->second].count;
    return Sink(places_[found->second]);
  }
  if (items_.size() < capacity_) {
    const size_t item = items_.size();
    items_.push_back({std::string(key), 1, 0});
    index_.emplace(key, item);
    heap_.push_back(item);
    places_.push_back(item);
    return Rise(item);
  }
  const size_t item = heap_.front();
  Item& lowest = items_[item];
  index_.erase(lowest.key);
  lowest = {std::string(key), lowest.count + 1, lowest.count};
  index_.emplace(key, item);
  Sink(0);
}

void FrequentKeys::Place(size_t place, size_t item) {
  heap_[place] = item;
  places_[item] = place;
}

// The item at this place is new: larger ones come after it.
void FrequentKeys::Rise(size_t place) {
  while (place > 0) {
    const size_t parent = (place - 1) / 2;
    if (items_[heap_[parent]].count <= items_[heap_[place]].count) return;
    const size_t item = heap_[place];
    Place(place, heap_[parent]);
    Place(parent, item);
    place = parent;
  }
}

// The item at this place has grown: smaller ones come before it.
void FrequentKeys::Sink(size_t place) {
  const auto count = [this](size_t at) { return items_[heap_[at]].count; };
  for (;;) {
    size_t least = place;
    for (const size_t child : {2 * place + 1, 2 * place + 2}) {
      if (child < heap_.size() && count(child) < count(least)) least = child;
    }
    if (least == place) return;
    const size_t item = heap_[place];
    Place(place, heap_[least]);
    Place(least, item);
    place = least;
  }
}

std::vector<FrequentKeys::Item> MostFrequent(const std::vector<FrequentKeys>& streams,
                                             size_t limit) {
  absl::flat_hash_map<std::string, FrequentKeys::Item> sums;
  for (const FrequentKeys& stream : streams) {
    for (const FrequentKeys::Item& item : stream.items()) {
      FrequentKeys::Item& sum = sums[item.key];
      sum.key = item.key;
      sum.count += item.count;
      sum.error += item.error;
    }
  }
  std::vector<FrequentKeys::Item> items;
  items.reserve(sums.size());
  for (auto& [key, item] : sums) items.push_back(std::move(item));
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
    return a.count != b.count ? a.count > b.count : a.key < b.key;
  });
  items.resize(std::min(items.size(), limit));
  return items;
}

}  // namespace dotcache
