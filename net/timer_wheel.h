// SPDX-License-Identifier: Apache-2.0
// A hierarchical timer wheel: arming, disarming and expiring cost the same however many are armed.
#ifndef DOTCACHE_NET_TIMER_WHEEL_H_
#define DOTCACHE_NET_TIMER_WHEEL_H_

#include <array>
#include <cstdint>
#include <optional>

namespace dotcache {

// Eight levels of 64 slots. A node waits on the level of the highest base-64 digit in which its
// expiry differs from the wheel's time, in the slot of that digit; when time reaches the slot's
// first tick, its nodes move to lower levels. A level's slots thus never wrap, and the earliest
// slot is the first occupied one of the lowest occupied level. Pure: what a tick is, and when to
// call, is the caller's affair. Owns no node. Thread-compatible.
class TimerWheel {
 public:
  // Links of a circular list; a node that is in none points to itself.
  struct Link {
    Link() : prev(this), next(this) {}
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    Link* prev;
    Link* next;
  };

  // What is armed. To be disarmed before it is destroyed, and before the wheel is.
  struct Node : Link {
    bool armed() const { return next != this; }

   private:
    friend class TimerWheel;
    uint64_t expiry_tick = 0;
    uint16_t slot = 0;
  };

  // Expiries beyond are brought down to this one: 8900 years of milliseconds.
  static constexpr uint64_t kMaxTick = (uint64_t{1} << 48) - 1;

  explicit TimerWheel(uint64_t now_tick) : now_tick_(now_tick) {}

  // Arms `node` for `expiry_tick`; one that is not in the future expires in the next Advance().
  // REQUIRES: !node.armed().
  void Arm(Node& node, uint64_t expiry_tick);

  // REQUIRES: node.armed().
  void Disarm(Node& node);

  // Moves time to `now_tick` (never back) and makes all nodes due until then ready for
  // PopExpired().
  void Advance(uint64_t now_tick);

  // Takes out the next expired node, by tick; null when there is none left. Nodes that are armed
  // meanwhile wait for the next Advance(), so that a node which re-arms itself cannot hold the
  // loop.
  Node* PopExpired();

  // The tick at which Advance() next has something to do, which may be no more than moving nodes
  // between levels; 0 when something waits for that or for PopExpired() already; nullopt when
  // nothing is armed. Never later than the earliest expiry.
  std::optional<uint64_t> NextTick() const;

 private:
  static constexpr int kBitsPerLevel = 6;
  static constexpr int kLevels = 8;
  static constexpr int kSlotsPerLevel = 1 << kBitsPerLevel;
  static constexpr uint16_t kNoSlot = kLevels * kSlotsPerLevel;

  void Place(Node& node, Link& if_due);
  void Empty(int level, int slot);
  std::optional<uint64_t> NextSlotTick() const;

  uint64_t now_tick_;
  std::array<uint64_t, kLevels> occupied_{};  // One bit for each slot.
  std::array<Link, kNoSlot> slots_;
  Link due_;      // Armed for a tick already past; expire in the next Advance().
  Link expired_;  // For PopExpired(), by tick.
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TIMER_WHEEL_H_
