// SPDX-License-Identifier: Apache-2.0
// Attempts that wait for a place on a connection.
#ifndef DOTCACHE_UPSTREAM_POOL_ATTEMPT_QUEUE_H_
#define DOTCACHE_UPSTREAM_POOL_ATTEMPT_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "dns/outgoing_query.h"
#include "upstream/connection/connection.h"

namespace dotcache {

// In the order in which they came, at most kLimit, and one client cannot take all. A value; not
// thread-safe.
class AttemptQueue {
 public:
  static constexpr size_t kLimit = 256;

  struct Entry {
    AttemptId attempt = 0;
    UpstreamQuery query;
    bool alone = false;  // It shares its connection with no other attempt.
  };

  bool empty() const { return entries_.empty(); }
  // True if an attempt for this client may wait: its client has at most three times as many entries
  // as are free. Client 0: for no client.
  bool HasRoomFor(uint64_t client) const {
    constexpr size_t kTimesFree = 3;
    const size_t free = kLimit - entries_.size();
    if (client == 0 || entries_.size() < kLimit / 2) return free > 0;
    const auto is_of_client = [client](const Entry& entry) { return entry.query.client == client; };
    const auto mine = std::count_if(entries_.begin(), entries_.end(), is_of_client);
    return static_cast<size_t>(mine) < kTimesFree * free;
  }
  size_t size() const { return entries_.size(); }
  const Entry& first() const { return entries_.front(); }

  void Add(Entry entry) { entries_.push_back(std::move(entry)); }
  Entry Take() {
    Entry taken = std::move(entries_.front());
    entries_.pop_front();
    return taken;
  }
  // Moves the earliest entry for which `predicate` is true to the front. Returns false if there is
  // none. The order of the others does not change.
  template <typename Predicate>
  bool MoveToFront(const Predicate& predicate) {
    const auto found = std::find_if(entries_.begin(), entries_.end(), predicate);
    if (found == entries_.end()) return false;
    std::rotate(entries_.begin(), found, found + 1);
    return true;
  }
  void Remove(AttemptId attempt) {
    std::erase_if(entries_, [attempt](const Entry& entry) { return entry.attempt == attempt; });
  }
  std::vector<AttemptId> TakeAll() {
    std::vector<AttemptId> taken;
    for (const Entry& entry : std::exchange(entries_, {})) taken.push_back(entry.attempt);
    return taken;
  }

 private:
  std::deque<Entry> entries_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_ATTEMPT_QUEUE_H_
