// SPDX-License-Identifier: Apache-2.0
// The shards of the cache, which may get another budget while workers use them.
#ifndef DOTCACHE_CACHE_SHARD_BANKS_H_
#define DOTCACHE_CACHE_SHARD_BANKS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "cache/cache_key.h"
#include "cache/cache_options.h"
#include "cache/lru_shard.h"
#include "cache/shard_move.h"
#include "core/mutex.h"

namespace dotcache {

// Two banks of shards, one of which is in use. The other one is empty and has no table. A resize
// gives the other bank a table of the new size, uses it from then on, and moves the entries in
// small steps. A thread that needs an entry meanwhile moves it first, so a resize costs no entry
// that fits. The shards exist from the start, so a thread with a former view of the banks finds an
// empty shard.
//
// A shard has an equal share of the budget. With a budget of 0 nothing is stored. Any thread may
// call any function.
class ShardBanks {
 public:
  explicit ShardBanks(const CacheOptions& options);

  // The shard that has the entry of `key`, if there is one.
  LruShard& Of(const CacheKey& key) const {
    const uint32_t phase = phase_.load(std::memory_order_acquire);
    LruShard& shard = banks_[phase & kBank].Of(key.hash());
    if ((phase & kMoving) != 0) {
      ShardMove::MoveKey(banks_[~phase & kBank].Of(key.hash()), key, shard);
    }
    return shard;
  }

  // A shard in use, for a caller that visits all of them in turn.
  LruShard& AtTurn(size_t turn) const;

  // All shards: first those that entries leave, then those that they come to. During a resize, an
  // entry may be seen in both or, if the resize begins later, in none.
  std::vector<LruShard*> All() const;

  // Visits all shards, and sees each entry. A resize waits for the end, and the visit for a resize.
  void Visit(absl::FunctionRef<void(LruShard&)> visit) const;

  // Takes over another budget. Returns when all entries have moved. With a smaller budget the
  // newest entries stay. A lock is held for one entry only.
  void Resize(size_t budget_bytes, MonoTime now);

  // The parts of Resize(). MoveSome() returns false when no entry is left to move.
  void Begin(size_t budget_bytes);
  bool MoveSome(MonoTime now);

  size_t budget_bytes() const { return budget_bytes_.load(std::memory_order_relaxed); }

 private:
  // The high bits of the hash select the shard, the low bits the slot in it.
  struct Bank {
    LruShard& Of(uint64_t hash) const {
      const int bits = shard_bits.load(std::memory_order_relaxed);
      return *shards[bits == 0 ? 0 : hash >> (64 - bits)];
    }
    size_t count() const { return size_t{1} << shard_bits.load(std::memory_order_relaxed); }

    std::vector<std::unique_ptr<LruShard>> shards;  // More than are used.
    std::atomic<int> shard_bits{0};
  };

  static constexpr uint32_t kBank = 1;    // The number of the bank in use.
  static constexpr uint32_t kMoving = 2;  // The other bank may still have entries.

  void Open(Bank& bank, size_t budget_bytes) const;

  const CacheOptions options_;
  std::array<Bank, 2> banks_;
  std::atomic<uint32_t> phase_{0};
  std::atomic<size_t> budget_bytes_;
  mutable Mutex resize_mutex_;  // One resize or visit at a time.
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_SHARD_BANKS_H_
