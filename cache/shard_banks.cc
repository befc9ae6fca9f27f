// SPDX-License-Identifier: Apache-2.0
#include "cache/shard_banks.h"

#include <algorithm>
#include <bit>

namespace dotcache {
namespace {

constexpr size_t kMinAutomaticShardBytes = size_t{256} << 10;
constexpr size_t kMaxAutomaticShards = 64;
constexpr size_t kMaxShards = 1024;

// A resize moves this many entries of a shard before it goes on to the next shard.
constexpr size_t kEntriesPerTurn = 8;

size_t ShardCount(const CacheOptions& options, size_t budget_bytes) {
  if (options.tuning.shards > 0) {
    return std::bit_ceil(std::min(static_cast<size_t>(options.tuning.shards), kMaxShards));
  }
  return std::bit_floor(
      std::clamp<size_t>(budget_bytes / kMinAutomaticShardBytes, 1, kMaxAutomaticShards));
}

}  // namespace

ShardBanks::ShardBanks(const CacheOptions& options)
    : options_(options), budget_bytes_(options.budget_bytes) {
  const size_t most = ShardCount(options, SIZE_MAX);
  for (Bank& bank : banks_) {
    bank.shards.reserve(most);
    for (size_t i = 0; i < most; ++i) {
      bank.shards.push_back(std::make_unique<LruShard>(0, options));
    }
  }
  Open(banks_[0], options.budget_bytes);
}

void ShardBanks::Open(Bank& bank, size_t budget_bytes) const {
  const size_t count = ShardCount(options_, budget_bytes);
  bank.shard_bits = std::countr_zero(count);
  for (size_t i = 0; i < count; ++i) bank.shards[i]->UseBudget(budget_bytes / count);
}

LruShard& ShardBanks::AtTurn(size_t turn) const {
  const Bank& bank = banks_[phase_.load(std::memory_order_acquire) & kBank];
  return *bank.shards[turn & (bank.count() - 1)];
}

std::vector<LruShard*> ShardBanks::All() const {
  const uint32_t in_use = phase_.load(std::memory_order_acquire) & kBank;
  std::vector<LruShard*> all;
  for (const Bank* bank : {&banks_[1 - in_use], &banks_[in_use]}) {
    for (const auto& shard : bank->shards) all.push_back(shard.get());
  }
  return all;
}

void ShardBanks::Visit(absl::FunctionRef<void(LruShard&)> visit) const {
  const MutexLock lock(resize_mutex_);
  for (LruShard* shard : All()) visit(*shard);
}

void ShardBanks::Resize(size_t budget_bytes, MonoTime now) {
  const MutexLock lock(resize_mutex_);
  Begin(budget_bytes);
  while (MoveSome(now)) continue;
}

void ShardBanks::Begin(size_t budget_bytes) {
  const uint32_t next = 1 - (phase_.load(std::memory_order_acquire) & kBank);
  Open(banks_[next], budget_bytes);
  // No entry is stored in a shard that is left, so a key never has two entries.
  for (const auto& shard : banks_[1 - next].shards) shard->EndInsertions();
  phase_.store(next | kMoving, std::memory_order_release);
  budget_bytes_ = budget_bytes;
}

bool ShardBanks::MoveSome(MonoTime now) {
  const uint32_t in_use = phase_.load(std::memory_order_acquire) & kBank;
  const Bank& from = banks_[1 - in_use];
  const Bank& to = banks_[in_use];
  const auto shard_of = [&to](uint64_t hash) -> LruShard& { return to.Of(hash); };
  // Some of each shard, so that the newest entries of all shards move first.
  for (const ShardMove::Which which : {ShardMove::Which::kProtected, ShardMove::Which::kAll}) {
    bool any = false;
    for (const auto& shard : from.shards) {
      any |= ShardMove::MoveNewest(*shard, now, which, kEntriesPerTurn, shard_of);
    }
    if (any) return true;
  }
  phase_.store(in_use, std::memory_order_release);
  for (const auto& shard : from.shards) shard->UseBudget(0);
  return false;
}

}  // namespace dotcache
