// SPDX-License-Identifier: Apache-2.0
// The exchanges under way in one UpstreamManager.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_TABLE_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_TABLE_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "core/event_loop.h"
#include "upstream/api/exchanger.h"
#include "upstream/connection/connection.h"
#include "upstream/exchange/upstream_zone.h"

namespace dotcache {

// One query under way at a server.
struct ActiveAttempt {
  AttemptId id = 0;
  uint8_t server = 0;     // Index in the zone.
  bool queued = false;    // It waited for a connection when `due` was set.
  bool moved_on = false;  // The next server was asked while it still waited for a connection.
  bool overdue = false;   // Its patience has ended.
  MonoTime due;           // When that is.
  MonoTime hedge_at;      // When another server is asked if the budget has a hedge left; or never.
};

// One exchange; the place in the table and its timer outlive it.
struct ExchangeState {
  // What one exchange knows. Servers are indices in the zone, as bits of a set.
  struct Progress {
    UpstreamZone* zone = nullptr;
    MonoTime began;
    ServerOrder order;
    size_t next = 0;  // Where in `order`, taken round and round, the walk goes on.
    uint8_t attempts_made = 0;
    uint8_t attempts_not_sent = 0;                // Of those: their connection could not be had.
    absl::InlinedVector<uint8_t, 8> times_asked;  // By server.
    uint8_t losses = 0;                           // Connections lost with a query of ours on them,
    bool lost_in_crowd = false;    // the first with so many others that the server had gone away.
    uint64_t error_reporters = 0;  // Servers that answered with an error.
    bool saw_useless_response = false;
    bool saw_loop = false;
    bool hedged = false;
    bool went_with_probe = false;  // Of a server that was down.
    bool only_overloaded = true;   // No failure but kOverloaded so far.
    bool thrifty = false;          // So many were under way that it gets no tries for loss alone.
    absl::InlinedVector<ActiveAttempt, 2> active;
    std::optional<UpstreamResponse> error_response;

    // nullptr when it has ended.
    ActiveAttempt* FindActive(AttemptId attempt);
  };

  ExchangeId id = 0;  // Unique to each use of the place.
  bool taken = false;
  UpstreamQuery query;
  MonoTime deadline;
  std::optional<ExchangeCallback> callback;
  Progress progress;
  std::unique_ptr<Timer> timer;

  AttemptId NextAttemptId() const { return id << 8 | progress.attempts_made; }
};

// A table of places, found by number: an ExchangeId is a generation and a place, an AttemptId an
// ExchangeId and the attempt's number in it, so that a late result finds its exchange without a
// search, or finds it gone. Places are never given back; there are as many as there once were
// exchanges at the same time. Not thread-safe.
class ExchangeTable {
 public:
  // `on_timer` is called with an exchange whose timer expired. `loop` outlives the table.
  ExchangeTable(EventLoop& loop, absl::AnyInvocable<void(ExchangeState&)> on_timer)
      : loop_(loop), on_timer_(std::move(on_timer)) {}

  // A fresh exchange with a new id. Valid until Release().
  ExchangeState& Take();

  // Frees the place; destroys the callback if it is still there.
  void Release(ExchangeState& exchange);

  // nullptr when it has ended.
  ExchangeState* Find(ExchangeId id);
  ExchangeState* FindByAttempt(AttemptId attempt) { return Find(attempt >> 8); }

  size_t size() const { return places_.size() - free_.size(); }

 private:
  EventLoop& loop_;
  absl::AnyInvocable<void(ExchangeState&)> on_timer_;
  std::vector<std::unique_ptr<ExchangeState>> places_;
  std::vector<size_t> free_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_TABLE_H_
