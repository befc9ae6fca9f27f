// SPDX-License-Identifier: Apache-2.0
// What an exchange does next: a pure function of plain values.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_DECISION_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_DECISION_H_

#include <cstdint>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "core/clock.h"
#include "upstream/exchange/server_view.h"
#include "upstream/exchange/upstream_selector.h"

namespace dotcache {

// docs/upstream_rules.md has the rules, each with its reason and its test.

// One attempt, as the decision sees it. Servers are indices in the zone.
struct AttemptView {
  enum class State : uint8_t {
    kQueued,  // It waits for its connection.
    kSent,
    kLate,  // It was sent, and its patience has ended.
  };
  uint8_t server = 0;
  State state = State::kQueued;
  bool stalled = false;  // Its connection is silent.
  bool free = false;     // A query instead of it costs no retry.
  MonoTime due;          // When its patience ends.
};

// What one exchange knows. Sets of servers are bits.
struct ExchangeProgress {
  MonoTime began;
  MonoTime deadline;
  ServerOrder order;  // Empty while no server has an address.
  absl::InlinedVector<AttemptView, 2> attempts;
  absl::InlinedVector<uint8_t, 8> times_asked;  // By server.
  uint8_t sent = 0;                             // Queries that left, or may leave.
  uint8_t losses = 0;                           // Connections lost with a query of this exchange,
  bool lost_in_crowd = false;                   // the first with many others.
  uint64_t reported_errors = 0;  // Servers that answered with an error, or their provider did.
  uint64_t doubted = 0;          // Of these, those whose response was a doubtful denial.
  uint64_t refused = 0;          // Servers that took no query in this turn.
  uint64_t given_up = 0;         // Servers with attempts that ended overdue.
  bool has_error = false;        // An error can be the result.
  bool has_denial = false;       // A doubtful denial can be.
  bool saw_useless = false;      // A response was malformed or no answer.
  bool only_overloaded = true;   // No failure except kOverloaded.
  bool left = false;             // A query was sent.
  bool patient = false;          // It waits for servers until its deadline.
  bool draining = false;         // It waits for no server.
  bool is_loop_probe = false;    // It may go to a server that loops.
  bool may_hedge = false;        // The zone allows it, and no hedge was sent.
  bool has_hedge_budget = false;
  MonoTime hedge_at = MonoTime::max();
};

struct Decision {
  enum class Kind : uint8_t { kAsk, kWait, kFinish };
  Kind kind = Kind::kFinish;
  // Of kAsk.
  uint8_t server = 0;
  bool alone = false;  // Over a connection of its own.
  bool apart = false;  // Over another connection than the attempt that is late.
  bool hedge = false;  // For speed.
  bool retry = false;  // It costs a retry of the provider's budget.
  // Of kWait: until then, or until an attempt or a server of the zone changes.
  MonoTime until;
  bool needs_server = false;  // No attempt is hopeful. Servers that are down are to be probed.
};

// REQUIRES: servers.size() == progress.times_asked.size().
Decision Next(const ExchangeProgress& progress, absl::Span<const ServerView> servers, MonoTime now);

// True while a response to the attempt may come in its usual time.
bool IsHopeful(const AttemptView& attempt, MonoTime now);

// True if a query instead of it, at the same provider, costs a retry.
bool IsOverdue(const AttemptView& attempt);

// True if every server is down or unusable; or each is dead or unusable.
bool AllDown(absl::Span<const ServerView> servers);
bool AllDead(absl::Span<const ServerView> servers);

// Notes that the connection of an attempt was lost, with `others` more.
void NoteLoss(ExchangeProgress& progress, size_t others);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_DECISION_H_
