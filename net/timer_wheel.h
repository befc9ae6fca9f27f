// SPDX-License-Identifier: Apache-2.0
// A hierarchical timer wheel. The cost of arming, disarming and expiring does not depend on the
// number of armed timers.
#ifndef DOTCACHE_NET_TIMER_WHEEL_H_
#define DOTCACHE_NET_TIMER_WHEEL_H_

#include <array>
#include <cstdint>
#include <optional>

namespace dotcache {

// Eight levels of 64 slots. Ticks are read as base-64 numbers with one digit for each level. A node
// waits on the level of the highest digit in which its expiry differs from the wheel's time. Its
// slot on that level is the value of that digit. When the time reaches the first tick of a slot,
// the nodes of the slot move to lower levels.
//
// The slots of a level therefore never wrap. The earliest slot is the first occupied slot of the
// lowest occupied level.
//
// Pure arithmetic: the caller decides how long a tick is and when to call. Owns no node.
// Thread-compatible.
class TimerWheel {
 public:
  // Links of a circular list. A node outside all lists points to itself.
  struct Link {
    Link() : prev(this), next(this) {}
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    Link* prev;
    Link* next;
  };

  // A timer. REQUIRES: disarmed before it or the wheel is destroyed.
  struct Node : Link {
    bool armed() const { return next != this; }

   private:
    friend class TimerWheel;
    uint64_t expiry_tick = 0;
    uint16_t slot = 0;
  };

  // The latest expiry: 8900 years of milliseconds. A later one is reduced to this value.
  static constexpr uint64_t kMaxTick = (uint64_t{1} << 48) - 1;

  explicit TimerWheel(uint64_t now_tick) : now_tick_(now_tick) {}

  // Arms `node` for `expiry_tick`. A tick that is not in the future expires in the next Advance().
  // REQUIRES: !node.armed().
  void Arm(Node& node, uint64_t expiry_tick);

  // REQUIRES: node.armed().
  void Disarm(Node& node);

  // Moves the time to `now_tick`, never back. All nodes due by then become ready for PopExpired().
  void Advance(uint64_t now_tick);

  // Removes and returns the next expired node in order of ticks, or null. A node armed in the
  // meantime waits for the next Advance(), so a node that re-arms itself cannot block the loop.
  Node* PopExpired();

  // The tick at which the caller must call Advance() again. It is never later than the earliest
  // expiry. It may be earlier; that call then only moves nodes between levels. 0: a node waits for
  // Advance() or PopExpired() now. nullopt: nothing is armed.
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
  std::array<uint64_t, kLevels> occupied_{};  // One bit per slot.
  std::array<Link, kNoSlot> slots_;
  Link due_;      // Armed for a past tick; these expire in the next Advance().
  Link expired_;  // Ready for PopExpired(), in order of ticks.
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TIMER_WHEEL_H_
