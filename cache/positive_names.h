// SPDX-License-Identifier: Apache-2.0
// Names that recently had data.
#ifndef DOTCACHE_CACHE_POSITIVE_NAMES_H_
#define DOTCACHE_CACHE_POSITIVE_NAMES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/clock.h"
#include "dns/dns_types.h"

namespace dotcache {

// A table of names for which a response had data within kMemory, by hash of the name. It also knows
// names whose data was not stored, such as data with TTL 0. A name has one place, so a later name
// may replace an earlier one. Two names with the same hash are taken for one: the cost is a query.
//
// Any thread may call any function, without a lock. Size: 8 octets for each KiB of the cache's
// budget, between 2 KiB and 128 KiB.
class PositiveNames {
 public:
  // The longest time for which an NXDOMAIN is usually kept.
  static constexpr Seconds kMemory{3600};

  explicit PositiveNames(size_t budget_bytes);

  // Notes data of this type.
  void Note(uint64_t name_hash, QType type, MonoTime now);

  // True if the name had data of a type other than `denied`. Data of the denied type itself ended
  // with the denial.
  bool HadOtherThan(uint64_t name_hash, QType denied, MonoTime now) const;

 private:
  // Of a slot: 32 bits of the hash, 16 bits of the type, 16 bits of the time in seconds. A slot
  // with kSeveral types may hold any of them.
  static constexpr uint16_t kSeveral = 0;
  static uint16_t Time(MonoTime now) {
    return static_cast<uint16_t>(std::chrono::floor<Seconds>(now.time_since_epoch()).count());
  }
  static bool IsOf(uint64_t slot, uint64_t name_hash, MonoTime now) {
    const auto age = static_cast<uint16_t>(Time(now) - static_cast<uint16_t>(slot));
    return slot >> 32 == name_hash >> 32 && slot != 0 && Seconds{age} < kMemory;
  }
  std::atomic<uint64_t>& SlotOf(uint64_t name_hash) const {
    return slots_[name_hash & (count_ - 1)];
  }

  const size_t count_;  // A power of two.
  const std::unique_ptr<std::atomic<uint64_t>[]> slots_;
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_POSITIVE_NAMES_H_
