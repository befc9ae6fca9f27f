// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/decision.h"

#include <algorithm>

#include "upstream/pool/connect_pacing.h"

namespace dotcache {
namespace {

using State = AttemptView::State;

// How often one server is queried for one exchange, and how often if none of these queries has a
// result. RFC 9520 section 3.1 allows three.
constexpr int kMaxAsked = 2;
constexpr int kMaxAskedInVain = 3;
// All queries of one exchange without a result.
constexpr size_t kMaxInVain = 9;

// A connection that is lost with so many other queries was probably not lost because of one.
constexpr size_t kCrowd = 8;

// When all servers are dead for so long, no response to earlier queries is expected.
constexpr Duration kGivenUpAfter = Seconds(2);

// What Next() computes from.
struct Scene {
  const ExchangeProgress& progress;
  absl::Span<const ServerView> servers;
  MonoTime now;

  bool only_one() const { return progress.order.size() == 1; }
  bool reported(uint8_t server) const { return (progress.reported_errors >> server & 1) != 0; }
  bool has_result() const { return progress.has_error || progress.saw_useless; }
};

bool TakesQueries(const Scene& scene, uint8_t server) {
  const ServerStatus& status = scene.servers[server].status;
  if (status.state == ServerState::kLoop) return scene.progress.is_loop_probe;
  return status.TakesQueries();
}

// True if a probe may soon take up a server that takes no query now. For a dead server this holds
// until a probe has failed since the exchange began.
bool MayComeUp(const Scene& scene, uint8_t server) {
  const ServerStatus& status = scene.servers[server].status;
  if (status.state == ServerState::kDown) return true;
  return status.state == ServerState::kDead && !status.rests &&
         status.probe_failed <= scene.progress.began;
}

// Servers that this exchange has not queried and might.
size_t CountNotAsked(const Scene& scene) {
  const auto& order = scene.progress.order;
  return static_cast<size_t>(std::count_if(order.begin(), order.end(), [&scene](uint8_t s) {
    return scene.progress.times_asked[s] == 0 && !scene.reported(s) &&
           (TakesQueries(scene, s) || MayComeUp(scene, s));
  }));
}

// N+1 queries for N servers. Where all queries were lost on the way, few servers get more.
size_t TriesLeft(const Scene& scene) {
  const ExchangeProgress& progress = scene.progress;
  const size_t servers = progress.order.size();
  size_t limit = std::max<size_t>(servers + 1, kMaxAskedInVain);
  if (progress.attempts.size() == progress.sent) limit = std::max(limit, kMaxInVain);
  return limit - std::min<size_t>(limit, progress.sent);
}

int MaxAsked(const Scene& scene, uint8_t server) {
  const ExchangeProgress& progress = scene.progress;
  const auto under_way =
      std::count_if(progress.attempts.begin(), progress.attempts.end(),
                    [server](const AttemptView& a) { return a.server == server; });
  const bool lost_both = progress.lost_in_crowd && progress.losses == 2;
  const bool all_late = under_way == progress.times_asked[server];
  const ServerView& view = scene.servers[server];
  const bool in_vain = scene.only_one()
                           ? view.datagrams || lost_both || (all_late && view.status.may_drop)
                           : all_late;
  return in_vain ? kMaxAskedInVain : kMaxAsked;
}

// Whether the exchange may query the server, if that takes queries.
bool MayAsk(const Scene& scene, uint8_t server) {
  const ExchangeProgress& progress = scene.progress;
  if (scene.reported(server) || progress.times_asked[server] >= MaxAsked(scene, server)) {
    return false;
  }
  // The last tries are for servers that have not been queried. They may be down, and be repaired.
  const bool again = progress.times_asked[server] > 0;
  if (again && TriesLeft(scene) <= CountNotAsked(scene)) return false;
  return std::none_of(progress.attempts.begin(), progress.attempts.end(), [&](const auto& a) {
    return a.server == server && !a.stalled && a.state != State::kLate;
  });
}

// If earlier queries to a provider are late, one more query costs a retry of its budget. They may
// be late because the provider has too many queries.
bool IsRetry(const Scene& scene, uint8_t server) {
  uint64_t overdue = scene.progress.given_up;
  for (const AttemptView& attempt : scene.progress.attempts) {
    if (IsOverdue(attempt)) overdue |= uint64_t{1} << attempt.server;
  }
  bool at_this_provider = false;
  for (size_t i = 0; overdue != 0; ++i, overdue >>= 1) {
    if ((overdue & 1) == 0) continue;
    // If several providers are late, queries are lost on the way.
    if (scene.servers[i].provider != scene.servers[server].provider) return false;
    at_this_provider = true;
  }
  return at_this_provider;
}

enum class Purpose : uint8_t { kNeeded, kConfirmation, kHedge, kInsteadOfTrial };

// The first in order of those that were queried the least.
std::optional<uint8_t> FindCandidate(const Scene& scene, Purpose purpose) {
  if (TriesLeft(scene) == 0) return std::nullopt;
  const bool hedge = purpose == Purpose::kHedge;
  std::optional<uint8_t> best;
  for (const uint8_t server : scene.progress.order) {
    const ServerView& view = scene.servers[server];
    if (!TakesQueries(scene, server) || view.status.takes_from > scene.now) continue;
    if (purpose == Purpose::kInsteadOfTrial && view.status.state != ServerState::kUp) continue;
    if ((scene.progress.refused >> server & 1) != 0 || !MayAsk(scene, server)) continue;
    if (IsRetry(scene, server) && !view.may_retry) continue;
    const uint8_t asked = scene.progress.times_asked[server];
    // No optional query goes to a server that charges for it.
    if (view.metered && (hedge || purpose == Purpose::kConfirmation)) continue;
    if (hedge && asked > 0) continue;
    if (!best.has_value() || asked < scene.progress.times_asked[*best]) best = server;
  }
  return best;
}

Decision Ask(const Scene& scene, uint8_t server, bool hedge) {
  const ExchangeProgress& progress = scene.progress;
  Decision decision;
  decision.kind = Decision::Kind::kAsk;
  decision.server = server;
  decision.hedge = hedge;
  decision.retry = IsRetry(scene, server);
  // Any query on a connection that was lost may be the reason. Few go again each alone. Many share
  // a connection once more, because then the server was probably restarted.
  const bool again = progress.times_asked[server] > 0;
  decision.alone =
      progress.losses > 1 || (again && progress.losses == 1 && !progress.lost_in_crowd);
  // A server may work on one query of a connection at a time.
  decision.apart = decision.retry && again;
  decision.alone |= decision.apart && scene.only_one() &&
                    progress.times_asked[server] == kMaxAsked && !scene.servers[server].datagrams;
  return decision;
}

Decision Wait(MonoTime until, bool needs_server) {
  Decision decision;
  decision.kind = Decision::Kind::kWait;
  decision.until = until;
  decision.needs_server = needs_server;
  return decision;
}

// If the exchange already has a result, it waits for an attempt only while its server is up and may
// have a better result.
bool IsWorthWaiting(const Scene& scene, const AttemptView& attempt) {
  if (scene.reported(attempt.server)) return false;
  if (attempt.state == State::kQueued) return attempt.due > scene.now;
  return scene.servers[attempt.server].status.state == ServerState::kUp;
}

// The time until which a server that takes no query now may begin to take one; nullopt: no server
// may.
std::optional<MonoTime> WaitForServerUntil(const Scene& scene) {
  std::optional<MonoTime> until;
  for (const uint8_t server : scene.progress.order) {
    if (!MayAsk(scene, server)) continue;
    const ServerStatus& status = scene.servers[server].status;
    MonoTime end = scene.progress.deadline;
    if (TakesQueries(scene, server)) {
      if (status.takes_from <= scene.now) continue;
      end = status.takes_from;
    } else if (!MayComeUp(scene, server)) {
      continue;
    } else if (scene.has_result()) {
      if (!status.probing && !status.may_probe) continue;
      end = (status.probing ? status.probe_began : scene.now) + ConnectPacing::kPatience;
      if (end <= scene.now) continue;
    } else if (status.state == ServerState::kDown && AllDown(scene.servers) &&
               !scene.progress.patient) {
      end = status.in_vain_since + kDeadAfter + Milliseconds(1);
    }
    if (!until.has_value() || end > *until) until = end;
  }
  return until;
}

// The latest time since which a server of the zone has been tried without a result.
MonoTime InVainSince(const Scene& scene) {
  MonoTime since;
  for (const ServerView& server : scene.servers) {
    if (server.status.down()) since = std::max(since, server.status.in_vain_since);
  }
  return since;
}

// All hopeful attempts are at servers on trial. One that comes up gets the query at once.
Decision AskInsteadOfTrial(const Scene& scene, MonoTime until) {
  if (const auto server = FindCandidate(scene, Purpose::kInsteadOfTrial)) {
    return Ask(scene, *server, /*hedge=*/false);
  }
  const auto& order = scene.progress.order;
  const bool needs_server = std::any_of(order.begin(), order.end(), [&scene](uint8_t server) {
    return MayComeUp(scene, server) && MayAsk(scene, server);
  });
  return Wait(until, needs_server);
}

// No attempt is hopeful, and no server takes the query now.
Decision WaitOrFinish(const Scene& scene) {
  const ExchangeProgress& progress = scene.progress;
  if (progress.has_denial) return {};  // No server answers in its usual time.
  if (!progress.patient && AllDead(scene.servers)) {
    // A response to an earlier query may still come.
    const MonoTime given_up_at = InVainSince(scene) + kGivenUpAfter;
    if (progress.attempts.empty() || scene.has_result() || given_up_at <= scene.now) return {};
    return Wait(std::min(progress.deadline, given_up_at), /*needs_server=*/true);
  }
  const std::optional<MonoTime> server_until =
      progress.draining ? std::nullopt : WaitForServerUntil(scene);
  const bool waits_for_attempt =
      scene.has_result() ? std::any_of(progress.attempts.begin(), progress.attempts.end(),
                                       [&](const auto& a) { return IsWorthWaiting(scene, a); })
                         : !progress.attempts.empty();
  if (waits_for_attempt) {
    MonoTime until = progress.deadline;
    if (server_until.has_value()) until = std::min(until, std::max(*server_until, scene.now));
    for (const AttemptView& a : progress.attempts) {
      if (a.state == State::kQueued && a.due > scene.now) until = std::min(until, a.due);
    }
    // Without a server that is up, the exchange ends early if all become dead.
    const bool any_up = std::any_of(
        progress.attempts.begin(), progress.attempts.end(), [&scene](const AttemptView& a) {
          return scene.servers[a.server].status.state == ServerState::kUp;
        });
    return Wait(until, /*needs_server=*/server_until.has_value() || !any_up);
  }
  const bool was_turned_away = progress.only_overloaded && progress.refused != 0;
  if (!server_until.has_value() || was_turned_away) return {};
  return Wait(std::min(progress.deadline, *server_until), /*needs_server=*/true);
}

}  // namespace

bool IsHopeful(const AttemptView& attempt, MonoTime now) {
  return attempt.state != State::kLate && !attempt.stalled && attempt.due > now;
}

bool IsOverdue(const AttemptView& attempt) {
  return (attempt.state == State::kLate || attempt.stalled) && !attempt.free;
}

bool AllDown(absl::Span<const ServerView> servers) {
  return std::all_of(servers.begin(), servers.end(), [](const ServerView& server) {
    return server.status.down() || server.status.unusable();
  });
}

bool AllDead(absl::Span<const ServerView> servers) {
  return std::all_of(servers.begin(), servers.end(), [](const ServerView& server) {
    return server.status.state == ServerState::kDead || server.status.unusable();
  });
}

void NoteLoss(ExchangeProgress& progress, size_t others) {
  if (++progress.losses == 1) progress.lost_in_crowd = others >= kCrowd;
}

Decision Next(const ExchangeProgress& progress, absl::Span<const ServerView> servers,
              MonoTime now) {
  const Scene scene{progress, servers, now};
  if (now >= progress.deadline) return {};
  bool hopeful = false;
  bool at_up_server = false;
  MonoTime until = progress.deadline;
  for (const AttemptView& attempt : progress.attempts) {
    if (!IsHopeful(attempt, now)) continue;
    hopeful = true;
    at_up_server |= servers[attempt.server].status.state == ServerState::kUp;
    until = std::min(until, attempt.due);
  }
  if (!hopeful) {
    // The second server does not answer in its usual time.
    if (progress.has_denial && !progress.attempts.empty()) return {};
    const Purpose purpose = progress.has_denial ? Purpose::kConfirmation : Purpose::kNeeded;
    if (const auto server = FindCandidate(scene, purpose)) {
      return Ask(scene, *server, /*hedge=*/false);
    }
    return WaitOrFinish(scene);
  }
  if (!at_up_server) return AskInsteadOfTrial(scene, until);
  const bool may_hedge = progress.may_hedge && progress.has_hedge_budget;
  if (may_hedge && progress.hedge_at <= now) {
    if (const auto server = FindCandidate(scene, Purpose::kHedge)) {
      return Ask(scene, *server, /*hedge=*/true);
    }
  } else if (may_hedge) {
    until = std::min(until, progress.hedge_at);
  }
  return Wait(until, /*needs_server=*/false);
}

}  // namespace dotcache
