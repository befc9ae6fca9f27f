// SPDX-License-Identifier: Apache-2.0
#include "cache/slot_table.h"

#include <algorithm>

namespace dotcache {

SlotTable::SlotTable(size_t slots)
    : size_(slots), slots_(static_cast<Slot*>(std::calloc(slots, sizeof(Slot)))) {
  if (slots_ == nullptr && slots != 0) std::abort();  // As for operator new.
}

size_t SlotTable::SlotOf(const CacheEntry& entry, uint32_t hash) const {
  size_t slot = Home(hash);
  while (slots_[slot].entry != &entry) slot = Next(slot);
  return slot;
}

void SlotTable::Put(uint64_t hash, const CacheEntry* entry) {
  size_t slot = Home(hash);
  while (slots_[slot].entry != nullptr) slot = Next(slot);
  slots_[slot] = {hash, entry};
}

void SlotTable::Remove(size_t slot) {
  size_t gap = slot;
  for (size_t next = Next(gap); slots_[next].entry != nullptr; next = Next(next)) {
    // An entry may move back only as far as its home.
    if (Distance(Home(slots_[next].hash), next) < Distance(gap, next)) continue;
    slots_[gap] = slots_[next];
    gap = next;
  }
  slots_[gap] = {};
}

void SlotTable::Clear() { std::fill_n(slots_.get(), size_, Slot{}); }

}  // namespace dotcache
