// SPDX-License-Identifier: Apache-2.0
// The exchanges of one UpstreamManager.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_TABLE_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_TABLE_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "core/event_loop.h"
#include "upstream/api/exchanger.h"
#include "upstream/exchange/decision.h"
#include "upstream/pool/upstream_server.h"

namespace dotcache {

class UpstreamZone;

// One query at a server: the only record of it. It ends when it leaves the list of its exchange.
struct Attempt {
  AttemptId id = 0;
  UpstreamServer* server = nullptr;  // Lives while it carries attempts.
  AttemptPlace place;
  MonoTime began;  // When it was sent, or queued.
};

// One exchange. The place in the table and the timer are used again.
struct ExchangeRecord {
  ExchangeId id = 0;  // Unique to each use of the place.
  bool taken = false;
  bool waits_for_server = false;  // It is in the list of its zone.
  UpstreamQuery query;
  std::optional<ExchangeCallback> callback;
  std::unique_ptr<Timer> timer;
  UpstreamZone* zone = nullptr;
  // progress.attempts[i] is what Next() sees of attempts[i].
  ExchangeProgress progress;
  absl::InlinedVector<Attempt, 2> attempts;
  uint8_t attempts_made = 0;
  std::optional<UpstreamResponse> error_response;
  UpstreamFailure useless = UpstreamFailure::kMalformed;  // While progress.saw_useless.

  AttemptId NextAttemptId() const { return id << 8 | attempts_made; }
  void RemoveAttempt(size_t index);
  // The connection of the latest attempt at this server; 0: none.
  uint32_t LatestConnectionAt(const UpstreamServer* server) const;
};

// A table of places, found by number. An ExchangeId is a generation and a place. An AttemptId is an
// ExchangeId and the number of the attempt. So a late result finds its exchange without a search,
// or finds that it has ended. Places are never freed: there are as many as there once were
// exchanges at the same time. Not thread-safe.
class ExchangeTable {
 public:
  // `on_timer` is called with an exchange whose timer expired. `loop` outlives the table.
  ExchangeTable(EventLoop& loop, absl::AnyInvocable<void(ExchangeRecord&)> on_timer)
      : loop_(loop), on_timer_(std::move(on_timer)) {}

  // Returns a new exchange with a new id. Valid until Release().
  ExchangeRecord& Take();

  // Forgets how far the exchange is. It keeps its id, query and callback.
  static void Clear(ExchangeRecord& exchange);

  // Frees the place. Destroys the callback if it was not called.
  void Release(ExchangeRecord& exchange);

  // nullptr when it has ended.
  ExchangeRecord* Find(ExchangeId id);
  // The exchange and the index of the attempt in it; nullptr after the attempt has ended.
  std::pair<ExchangeRecord*, size_t> FindByAttempt(AttemptId attempt);

  size_t size() const { return places_.size() - free_.size(); }

 private:
  EventLoop& loop_;
  absl::AnyInvocable<void(ExchangeRecord&)> on_timer_;
  std::vector<std::unique_ptr<ExchangeRecord>> places_;
  std::vector<size_t> free_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_TABLE_H_
