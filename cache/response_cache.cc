#include "cache/response_cache.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace dotcache {
namespace {

constexpr size_t kMinAutomaticShardBytes = size_t{256} << 10;
constexpr size_t kMaxAutomaticShards = 64;
constexpr size_t kMaxShards = 1024;

// A sweep lets go of a shard's lock after this many slots.
constexpr size_t kSweepSlotsPerLock = 64;

int ShardBits(const CacheOptions& options) {
  size_t count = 0;
  if (options.shards > 0) {
    count = std::bit_ceil(std::min(static_cast<size_t>(options.shards), kMaxShards));
  } else {
    count = std::bit_floor(
        std::clamp<size_t>(options.budget_bytes / kMinAutomaticShardBytes, 1, kMaxAutomaticShards));
  }
  return std::countr_zero(count);
}

}  // namespace

ResponseCache::ResponseCache(const CacheOptions& options, const HashSeed& seed)
    : options_(options), seed_(seed), shard_bits_(ShardBits(options)) {
  if (options.budget_bytes == 0) return;
  const size_t count = size_t{1} << shard_bits_;
  shards_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    shards_.push_back(
        std::make_unique<LruShard>(options.budget_bytes / count, options.lru_slack_percent));
  }
}

CacheEntryRef ResponseCache::Lookup(const CacheKey& key, MonoTime now) {
  if (shards_.empty()) return nullptr;
  return ShardOf(key).Lookup(key, now);
}

void ResponseCache::Insert(const CacheKey& key, CacheEntryRef entry, MonoTime now) {
  if (shards_.empty()) return;
  ShardOf(key).Insert(key, std::move(entry), now);
}

size_t ResponseCache::SweepExpired(MonoTime now, size_t max_slots) {
  if (shards_.empty()) return 0;
  size_t removed = 0;
  for (size_t left = max_slots; left > 0;) {
    const size_t step = std::min(left, kSweepSlotsPerLock);
    const size_t turn = sweep_shard_.fetch_add(1, std::memory_order_relaxed);
    removed += shards_[turn & (shards_.size() - 1)]->SweepExpired(now, step);
    left -= step;
  }
  return removed;
}

uint64_t ResponseCache::Clear() {
  uint64_t removed = 0;
  for (const auto& shard : shards_) removed += shard->Clear();
  return removed;
}

CacheStats ResponseCache::Stats() const {
  CacheStats stats;
  for (const auto& shard : shards_) shard->AddTo(stats);
  return stats;
}

}  // namespace dotcache
