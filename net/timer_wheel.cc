// SPDX-License-Identifier: Apache-2.0
#include "net/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace dotcache {
namespace {

void Unlink(TimerWheel::Link& link) {
  link.prev->next = link.next;
  link.next->prev = link.prev;
  link.prev = link.next = &link;
}

void PushBack(TimerWheel::Link& list, TimerWheel::Link& link) {
  link.prev = list.prev;
  link.next = &list;
  list.prev->next = &link;
  list.prev = &link;
}

}  // namespace

void TimerWheel::Arm(Node& node, uint64_t expiry_tick) {
  assert(!node.armed());
  node.expiry_tick = std::min(expiry_tick, kMaxTick);
  Place(node, due_);
}

void TimerWheel::Disarm(Node& node) {
  assert(node.armed());
  Unlink(node);
  if (node.slot == kNoSlot) return;
  const Link& slot = slots_[node.slot];
  if (slot.next == &slot) {
    occupied_[node.slot / kSlotsPerLevel] &= ~(uint64_t{1} << (node.slot % kSlotsPerLevel));
  }
}

void TimerWheel::Advance(uint64_t now_tick) {
  while (due_.next != &due_) {
    Link& node = *due_.next;
    Unlink(node);
    PushBack(expired_, node);
  }
  for (;;) {
    std::optional<uint64_t> tick = NextSlotTick();
    if (!tick.has_value() || *tick > now_tick) break;
    now_tick_ = *tick;
    for (int level = 0; level < kLevels; ++level) {
      if (occupied_[level] == 0) continue;
      Empty(level, std::countr_zero(occupied_[level]));
      break;
    }
  }
  now_tick_ = std::max(now_tick_, now_tick);
}

TimerWheel::Node* TimerWheel::PopExpired() {
  if (expired_.next == &expired_) return nullptr;
  Node* node = static_cast<Node*>(expired_.next);
  Unlink(*node);
  return node;
}

std::optional<uint64_t> TimerWheel::NextTick() const {
  if (due_.next != &due_ || expired_.next != &expired_) return 0;
  return NextSlotTick();
}

void TimerWheel::Place(Node& node, Link& if_due) {
  if (node.expiry_tick <= now_tick_) {
    node.slot = kNoSlot;
    PushBack(if_due, node);
    return;
  }
  const int highest_bit = static_cast<int>(std::bit_width(node.expiry_tick ^ now_tick_)) - 1;
  const int level = highest_bit / kBitsPerLevel;
  assert(level < kLevels);
  const int slot = static_cast<int>((node.expiry_tick >> (level * kBitsPerLevel)) % kSlotsPerLevel);
  node.slot = static_cast<uint16_t>(level * kSlotsPerLevel + slot);
  occupied_[level] |= uint64_t{1} << slot;
  PushBack(slots_[node.slot], node);
}

void TimerWheel::Empty(int level, int slot) {
  Link& list = slots_[level * kSlotsPerLevel + slot];
  occupied_[level] &= ~(uint64_t{1} << slot);
  while (list.next != &list) {
    Node& node = static_cast<Node&>(*list.next);
    Unlink(node);
    Place(node, expired_);
  }
}

std::optional<uint64_t> TimerWheel::NextSlotTick() const {
  for (int level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const int shift = level * kBitsPerLevel;
    const uint64_t above = now_tick_ >> (shift + kBitsPerLevel) << kBitsPerLevel;
    return (above | std::countr_zero(occupied_[level])) << shift;
  }
  return std::nullopt;
}

}  // namespace dotcache
