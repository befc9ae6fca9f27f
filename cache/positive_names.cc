// SPDX-License-Identifier: Apache-2.0
#include "cache/positive_names.h"

#include <algorithm>
#include <bit>

namespace dotcache {
namespace {

constexpr size_t kBytesPerSlot = 1024;
constexpr size_t kMinSlots = 256;
constexpr size_t kMaxSlots = 16384;

}  // namespace

PositiveNames::PositiveNames(size_t budget_bytes)
    : count_(std::bit_floor(std::clamp(budget_bytes / kBytesPerSlot, kMinSlots, kMaxSlots))),
      slots_(new std::atomic<uint64_t>[count_]()) {}

void PositiveNames::Note(uint64_t name_hash, QType type, MonoTime now) {
  std::atomic<uint64_t>& slot = SlotOf(name_hash);
  const uint64_t old = slot.load();
  auto types = static_cast<uint16_t>(type);
  if (IsOf(old, name_hash, now) && static_cast<uint16_t>(old >> 16) != types) types = kSeveral;
  slot.store((name_hash >> 32 << 32) | uint64_t{types} << 16 | Time(now));
}

bool PositiveNames::HadOtherThan(uint64_t name_hash, QType denied, MonoTime now) const {
  const uint64_t slot = SlotOf(name_hash).load();
  return IsOf(slot, name_hash, now) &&
         static_cast<uint16_t>(slot >> 16) != static_cast<uint16_t>(denied);
}

}  // namespace dotcache
