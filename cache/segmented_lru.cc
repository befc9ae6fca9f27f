// SPDX-License-Identifier: Apache-2.0
#include "cache/segmented_lru.h"

#include <utility>

namespace dotcache {

void SegmentedLru::Chain::Push(const CacheEntry* entry) {
  entry->shard_state_.older = std::exchange(first_, entry);
}

const CacheEntry* SegmentedLru::Chain::Pop() {
  const CacheEntry* entry = first_;
  if (entry != nullptr) first_ = entry->shard_state_.older;
  return entry;
}

void SegmentedLru::Add(const CacheEntry* entry, bool is_protected) {
  StateOf(*entry).in_protected = is_protected && protected_bytes_ > 0 ? 1 : 0;
  Segment& segment = SegmentOf(entry);
  ++segment.entries;
  segment.bytes += entry->charge();
  Push(segment, entry);
  if (StateOf(*entry).in_protected != 0) BoundProtected();
}

void SegmentedLru::AddOldest(const CacheEntry* entry) {
  ShardState& state = StateOf(*entry);
  const bool has_room = protected_.bytes + entry->charge() <= protected_bytes_;
  state.in_protected = state.in_protected != 0 && has_room ? 1 : 0;
  Segment& segment = SegmentOf(entry);
  ++segment.entries;
  segment.bytes += entry->charge();
  state.sequence = segment.sequence - static_cast<uint32_t>(segment.entries);
  state.older = nullptr;
  state.newer = segment.oldest;
  (segment.oldest != nullptr ? StateOf(*segment.oldest).older : segment.newest) = entry;
  segment.oldest = entry;
}

void SegmentedLru::Touch(const CacheEntry* entry) {
  if (entry->is_failure()) return;  // A repeated query for a failing name gains it no room.
  const ShardState& state = StateOf(*entry);
  // A client queries A and AAAA together, and one NXDOMAIN answers both. The second query of the
  // pair does not show that the name is popular.
  const int hits_to_protect = entry->kind == ResponseKind::kNxDomain ? 2 : 1;
  if (state.in_protected == 0 && protected_bytes_ > 0 && state.hits >= hits_to_protect) {
    Remove(entry);
    Add(entry, /*is_protected=*/true);
    return;
  }
  Segment& segment = SegmentOf(entry);
  const uint32_t moves_since = segment.sequence - state.sequence;
  if (uint64_t{moves_since} * 100 <= segment.entries * slack_percent_) return;
  Unlink(segment, entry);
  Push(segment, entry);
}

void SegmentedLru::Remove(const CacheEntry* entry) {
  Segment& segment = SegmentOf(entry);
  Unlink(segment, entry);
  --segment.entries;
  segment.bytes -= entry->charge();
}

void SegmentedLru::Clear(Chain& chain) {
  for (Segment* segment : {&probation_, &protected_}) {
    if (segment->oldest != nullptr) {
      StateOf(*segment->oldest).older = std::exchange(chain.first_, segment->newest);
    }
    *segment = {};
  }
}

void SegmentedLru::BoundProtected() {
  while (protected_.bytes > protected_bytes_ && protected_.oldest != protected_.newest) {
    const CacheEntry* entry = protected_.oldest;
    Remove(entry);
    Add(entry, /*is_protected=*/false);
  }
}

void SegmentedLru::Push(Segment& segment, const CacheEntry* entry) {
  ShardState& state = StateOf(*entry);
  state.sequence = ++segment.sequence;
  state.newer = nullptr;
  state.older = segment.newest;
  (segment.newest != nullptr ? StateOf(*segment.newest).newer : segment.oldest) = entry;
  segment.newest = entry;
}

void SegmentedLru::Unlink(Segment& segment, const CacheEntry* entry) {
  const ShardState& state = StateOf(*entry);
  (state.newer != nullptr ? StateOf(*state.newer).older : segment.newest) = state.older;
  (state.older != nullptr ? StateOf(*state.older).newer : segment.oldest) = state.newer;
}

}  // namespace dotcache
