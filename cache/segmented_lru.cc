// SPDX-License-Identifier: Apache-2.0
#include "cache/segmented_lru.h"

#include <utility>

namespace dotcache {

void SegmentedLru::Add(const CacheEntry* entry, bool is_protected) {
  entry->protected_ = is_protected && protected_bytes_ > 0 ? 1 : 0;
  Segment& segment = SegmentOf(entry);
  ++segment.entries;
  segment.bytes += entry->charge();
  Push(segment, entry);
  if (entry->protected_ != 0) BoundProtected();
}

void SegmentedLru::Touch(const CacheEntry* entry) {
  if (entry->is_failure()) return;  // Whoever repeats a failing name gains nothing by it.
  // Clients ask for a name's A and AAAA at once, and one denial answers both: the second of a pair
  // does not make a name popular.
  const int hits_to_protect = entry->kind == ResponseKind::kNxDomain ? 2 : 1;
  if (entry->protected_ == 0 && protected_bytes_ > 0 && entry->hits_ >= hits_to_protect) {
    Remove(entry);
    Add(entry, /*is_protected=*/true);
    return;
  }
  Segment& segment = SegmentOf(entry);
  const uint32_t moves_since = segment.sequence - entry->sequence_;
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

SegmentedLru::Lists SegmentedLru::Clear() {
  return {std::exchange(probation_, {}).newest, std::exchange(protected_, {}).newest};
}

void SegmentedLru::BoundProtected() {
  while (protected_.bytes > protected_bytes_ && protected_.oldest != protected_.newest) {
    const CacheEntry* entry = protected_.oldest;
    Remove(entry);
    Add(entry, /*is_protected=*/false);
  }
}

void SegmentedLru::Push(Segment& segment, const CacheEntry* entry) {
  entry->sequence_ = ++segment.sequence;
  entry->newer_ = nullptr;
  entry->older_ = segment.newest;
  (segment.newest != nullptr ? segment.newest->newer_ : segment.oldest) = entry;
  segment.newest = entry;
}

void SegmentedLru::Unlink(Segment& segment, const CacheEntry* entry) {
  (entry->newer_ != nullptr ? entry->newer_->older_ : segment.newest) = entry->older_;
  (entry->older_ != nullptr ? entry->older_->newer_ : segment.oldest) = entry->newer_;
}

}  // namespace dotcache
