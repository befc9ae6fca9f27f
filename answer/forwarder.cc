// SPDX-License-Identifier: Apache-2.0
#include "answer/forwarder.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "answer/extended_errors.h"

namespace dotcache {
namespace {

// Returns true for responses that are relayed to clients. Any other RCODE means that the server
// could not or would not answer. That is no statement about the name, so it is a failure.
bool IsRelayed(const ResponseFacts& facts) {
  switch (facts.kind) {
    case ResponseKind::kAnswer:
    case ResponseKind::kNoData:
    case ResponseKind::kNxDomain:
      return !facts.truncated;
    case ResponseKind::kOtherError:
      return facts.rcode == Rcode::kYxDomain;
    case ResponseKind::kReferral:
    case ResponseKind::kServFail:
      return false;
  }
  return false;
}

// A prefetch begins only while the exchanges without waiting clients are fewer than
// `max_pending_queries` divided by this.
constexpr size_t kPrefetchShare = 8;

// All waiting clients together are limited to this many times `max_pending_queries`.
constexpr size_t kWaitersPerPlace = 2;

Limit LimitOf(PendingQueries::JoinResult result) {
  switch (result) {
    case PendingQueries::JoinResult::kCrowded:
      return Limit::kWaitersPerQuery;
    case PendingQueries::JoinResult::kClientFull:
      return Limit::kPerClient;
    case PendingQueries::JoinResult::kAllFull:
      return Limit::kWaiters;
    default:
      return Limit::kPendingQueries;
  }
}

}  // namespace

PendingLimits PendingLimitsFor(const ServerLimits& limits) {
  const auto keys = static_cast<size_t>(limits.max_pending_queries);
  const auto waiters_per_key = static_cast<size_t>(limits.tuning.max_waiters_per_query);
  return {.keys = keys,
          .waiters_per_key = waiters_per_key,
          .waiters_per_client = static_cast<size_t>(limits.max_pending_per_client),
          .waiters = std::max(kWaitersPerPlace * keys, waiters_per_key)};
}

Forwarder::Forwarder(const Environment& environment)
    : env_(environment),
      aliases_(environment.cache, environment.local_names, environment.zones),
      pending_(PendingLimitsFor(environment.limits)),
      timer_(environment.loop.NewTimer([this] { OnTimer(); })) {}

void Forwarder::UseRules(const LocalNames* local_names, const ZoneNames* zones,
                         AnswerTimes* answer_times) {
  aliases_.UseNames(local_names, zones);
  env_.zones = zones;
  env_.answer_times = answer_times;
  pending_.UseLimits(PendingLimitsFor(env_.limits));
}

Forwarder::~Forwarder() {
  env_.loop.CancelTurnEnd(*this);
  pending_.Clear([this](ExchangeId exchange) { env_.exchanger.Cancel(exchange); });
}

void Forwarder::ForwardHanded(const Client& client, const CacheKey& key, const CacheEntryRef& stale,
                              MonoTime received_at) {
  // Without an exchange in progress, one may have ended since the other worker looked.
  const bool found = !pending_.Contains(key) && SendFound(client, key);
  if (!found && Forward(client, key, stale, received_at)) return;
  env_.counters.query_duration.Record(env_.loop.Now() - received_at);
}

// Answers from the cache, with fresh data or with a failure whose cause is not over.
bool Forwarder::SendFound(const Client& client, const CacheKey& key) {
  const MonoTime now = env_.loop.Now();
  const Found found = env_.cache.Lookup(key, now, /*may_refresh=*/false);
  if (found.state == Found::State::kFresh) {
    env_.replies.SendCached(client, *found.entry, now);
  } else if (found.state == Found::State::kFailure &&
             (env_.answer_times == nullptr ||
              !env_.answer_times->MayBeOver(*found.entry, key.name_hash(), now))) {
    env_.replies.SendFailure(client, RememberedError(*found.entry));
  } else {
    return false;
  }
  env_.counters.coalesced_queries.Add();
  return true;
}

bool Forwarder::Forward(const Client& client, const CacheKey& key, const CacheEntryRef& stale,
                        MonoTime received_at) {
  if (ended_) {
    env_.replies.SendAfterFailure(client, stale, env_.loop.Now(), ErrorForStop());
    return false;
  }
  const Asker asker = Asker::Of(client.address.client, received_at, env_.query_log);
  KnownParts known;
  if (!pending_.Contains(key)) known = FindParts(key, asker);
  if (known.answer) {
    env_.replies.SendFetched(client, *known.answer, {ReplySource::kHit, ZoneOf(key) != 0});
    return false;
  }
  const Milliseconds patience =
      stale ? std::min(env_.limits.stale_client_timeout, env_.limits.query_timeout)
            : env_.limits.query_timeout;
  const PendingQueries::JoinResult joined = pending_.Join(
      key,
      {client.query, client.address, &client.sink, received_at, received_at + patience, stale});
  TakeEvicted();
  switch (joined) {
    case PendingQueries::JoinResult::kJoined:
      env_.counters.coalesced_queries.Add();
      UpdateGauges();
      ArmTimer();
      return true;
    case PendingQueries::JoinResult::kFirst:
      break;
    default:
      TurnAway(client, stale, LimitOf(joined));
      return false;
  }
  const ExchangeFailure failure = BeginExchange(client.query, key, asker, std::move(known));
  if (failure != ExchangeFailure::kNone) {
    const size_t zone = ZoneOf(key);
    const FailureErrors error = ErrorFor(failure, zone);
    const CacheEntryRef data = NoteFailure(key, zone, failure, error);
    env_.replies.SendAfterFailure(client, data ? data : stale, env_.loop.Now(), error);
    return false;
  }
  ArmTimer();
  return true;
}

// The replies wait for the end of the turn, because the listener of this query is at work now.
void Forwarder::TakeEvicted() {
  PendingQueries::Evicted evicted = pending_.TakeEvicted();
  for (const ExchangeId exchange : evicted.exchanges) env_.exchanger.Cancel(exchange);
  if (evicted.waiters.empty()) return;
  std::move(evicted.waiters.begin(), evicted.waiters.end(), std::back_inserter(evicted_));
  env_.loop.RunAtTurnEnd(*this);
}

void Forwarder::OnTurnEnd() {
  for (const auto& [limit, waiter] : std::exchange(evicted_, {})) {
    TurnAway(waiter.client(), waiter.stale, limit);
    FinishMiss(waiter);
  }
}

void Forwarder::TurnAway(const Client& client, const CacheEntryRef& stale, Limit limit) {
  env_.counters.limit(limit).Add();
  env_.replies.SendAfterFailure(client, stale, env_.loop.Now(), ErrorForLimit(limit));
}

void Forwarder::Prefetch(const Query& query, const CacheKey& key) {
  const auto places = static_cast<size_t>(env_.limits.max_pending_queries) / kPrefetchShare;
  if (pending_.unwaited_count() >= std::max<size_t>(places, 1)) return;
  if (pending_.Begin(key) != PendingQueries::JoinResult::kFirst) return;
  env_.counters.prefetches.Add();
  const Asker asker = Asker::None(env_.loop.Now(), env_.query_log);
  KnownParts known = FindParts(key, asker);
  if (known.answer) {
    pending_.Take(key);
    return;
  }
  const ExchangeFailure failure = BeginExchange(query, key, asker, std::move(known));
  if (failure != ExchangeFailure::kNone) NoteFailure(key, ZoneOf(key), failure, ErrorFor(failure));
}

// Aliases of which all parts are known need no exchange, and so no place in the table.
Forwarder::KnownParts Forwarder::FindParts(const CacheKey& key, Asker asker) {
  const MonoTime now = env_.loop.Now();
  KnownParts known;
  if (!aliases_.HasPart(key, now)) return known;
  known.chain = std::make_unique<AliasChain>(
      AliasFollower::Begin(key, now + env_.limits.tuning.exchange_timeout));
  known.chain->asker = asker;
  known.step = aliases_.Collect(*known.chain, now);
  if (known.step == AliasFollower::Step::kComplete) known.answer = StoreJoined(key, *known.chain);
  return known;
}

// For a key that was added to the table. It leaves the table if the exchange fails at once.
// REQUIRES: the answer is not known.
ExchangeFailure Forwarder::BeginExchange(const Query& query, const CacheKey& key, Asker asker,
                                         KnownParts known) {
  const MonoTime deadline = env_.loop.Now() + env_.limits.tuning.exchange_timeout;
  ExchangeOr<ExchangeId> exchange = ExchangeFailure::kAliases;
  if (known.step != AliasFollower::Step::kAsk) {
    // A loop, or an answer that is too large.
  } else if (known.chain != nullptr && !known.chain->parts.empty()) {
    exchange = BeginNextPart(std::move(known.chain));
  } else {
    exchange = env_.exchanger.Exchange(
        asker.QueryFor(query.question, query.edns.dnssec_ok, query.checking_disabled), deadline,
        [this, key, deadline, asker](const ExchangeOr<UpstreamResponse>& response) {
          OnExchangeDone(key, deadline, asker, response);
        });
  }
  if (exchange.ok()) {
    pending_.SetExchange(key, *exchange);
  } else {
    pending_.Take(key);
  }
  UpdateGauges();
  NoteIfLimit(exchange.failure());
  return exchange.failure();
}

void Forwarder::NoteIfLimit(ExchangeFailure failure) {
  if (failure == ExchangeFailure::kLimit) env_.counters.limit(Limit::kUpstream).Add();
}

void Forwarder::OnExchangeDone(const CacheKey& key, MonoTime deadline, Asker asker,
                               const ExchangeOr<UpstreamResponse>& response) {
  const size_t zone = ZoneOf(key);
  const bool answered = response.ok() && IsRelayed(response->facts);
  if (answered) NoteAnswered(key, zone);
  if (answered && response->facts.has_alias) {
    auto chain = std::make_unique<AliasChain>(AliasFollower::Begin(key, deadline));
    chain->asker = asker;
    if (aliases_.IsPart(*response, chain->question)) {
      return OnPartDone(std::move(chain), response);
    }
  }
  Finish(key, response, zone);
}

size_t Forwarder::ZoneOf(const Question& question) const {
  return env_.zones == nullptr ? 0 : env_.zones->ZoneOf(question);
}

size_t Forwarder::ZoneOf(const CacheKey& key) const {
  const bool only_root = env_.zones == nullptr || env_.zones->size() == 1;
  return only_root ? 0 : ZoneOf(AliasFollower::Begin(key, MonoTime()).question);
}

void Forwarder::NoteAnswered(const CacheKey& key, size_t zone) {
  if (env_.answer_times == nullptr) return;
  env_.answer_times->Note(zone, key.name_hash(), env_.loop.Now());
}

// Null if the answer is too large.
CacheEntryRef Forwarder::StoreJoined(const CacheKey& key, const AliasChain& chain) {
  const MonoTime now = env_.loop.Now();
  const ExchangeOr<UpstreamResponse> joined = aliases_.Join(chain, now);
  return joined.ok() ? env_.cache.Store(key, joined->wire, joined->facts, now) : nullptr;
}

ExchangeOr<ExchangeId> Forwarder::BeginNextPart(std::unique_ptr<AliasChain> chain) {
  const UpstreamQuery query =
      chain->asker.QueryFor(chain->next, (chain->flags & CacheKey::kDnssecOk) != 0,
                            (chain->flags & CacheKey::kCheckingDisabled) != 0);
  const MonoTime deadline = chain->deadline;
  return env_.exchanger.Exchange(
      query, deadline,
      [this, chain = std::move(chain)](const ExchangeOr<UpstreamResponse>& response) mutable {
        OnPartDone(std::move(chain), response);
      });
}

void Forwarder::OnPartDone(std::unique_ptr<AliasChain> chain,
                           const ExchangeOr<UpstreamResponse>& response) {
  const size_t zone = ZoneOf(chain->next);
  if (!response.ok() || !IsRelayed(response->facts)) {
    return Finish(aliases_.KeyFor(*chain, chain->question), response, zone);
  }
  NoteAnswered(aliases_.KeyFor(*chain, chain->next), zone);
  aliases_.Add(*chain, *response, env_.loop.Now());
  Continue(std::move(chain));
}

void Forwarder::Continue(std::unique_ptr<AliasChain> chain) {
  const MonoTime now = env_.loop.Now();
  const CacheKey key = aliases_.KeyFor(*chain, chain->question);
  const size_t zone = ZoneOf(chain->next);
  switch (aliases_.Collect(*chain, now)) {
    case AliasFollower::Step::kComplete:
      return Finish(key, aliases_.Join(*chain, now), zone);
    case AliasFollower::Step::kBroken:
      return Finish(key, ExchangeFailure::kAliases, zone);
    case AliasFollower::Step::kAsk:
      break;
  }
  const ExchangeOr<ExchangeId> exchange = BeginNextPart(std::move(chain));
  if (!exchange.ok()) return Finish(key, exchange.failure(), zone);
  pending_.SetExchange(key, *exchange);
}

// `zone`: the one that gave the latest response, or failed to.
void Forwarder::Finish(const CacheKey& key, const ExchangeOr<UpstreamResponse>& response,
                       size_t zone) {
  const Waiters waiters = pending_.Take(key);
  UpdateGauges();
  NoteIfLimit(response.failure());
  if (response.ok() && IsRelayed(response->facts)) {
    const CacheEntryRef entry =
        env_.cache.Store(key, response->wire, response->facts, env_.loop.Now());
    for (const Waiter& waiter : waiters) {
      env_.replies.SendFetched(waiter.client(), *entry, {ReplySource::kMiss, zone != 0});
      FinishMiss(waiter);
    }
    return;
  }
  FailureErrors error = response.ok() ? ErrorForRefusal(response->facts, key.qtype())
                                      : ErrorFor(response.failure(), zone);
  if (response.ok()) error.origin.private_zone = zone != 0;
  const CacheEntryRef data = NoteFailure(key, zone, response.failure(), error);
  for (const Waiter& waiter : waiters) {
    env_.replies.SendAfterFailure(waiter.client(), data ? data : waiter.stale, env_.loop.Now(),
                                  error);
    FinishMiss(waiter);
  }
}

CacheEntryRef Forwarder::NoteFailure(const CacheKey& key, size_t zone, ExchangeFailure reason,
                                     const FailureErrors& error) {
  // Our own limit is full, which is no statement about the name.
  if (reason == ExchangeFailure::kLimit) return nullptr;
  // While no server can be reached, the failure is kept for a short time only, so that recovery is
  // noticed soon. Failures that a server reported are kept for longer each time.
  const bool unreachable = reason == ExchangeFailure::kUnreachable ||
                           reason == ExchangeFailure::kTimeout || reason == ExchangeFailure::kLoop;
  Failure failure = {.extended_error = error.own.code,
                     .grows = !unreachable,
                     .upstream_error = error.upstream,
                     .rcode = error.rcode,
                     .zone = static_cast<uint16_t>(zone),
                     .cause = reason == ExchangeFailure::kNone ? error.cause : CauseOf(reason)};
  if (env_.answer_times != nullptr) {
    failure.other_answered = env_.answer_times->LatestOfOther(zone, key.name_hash());
  }
  CacheEntryRef data = env_.cache.NoteFailure(key, failure, env_.loop.Now());
  if (data) env_.counters.failed_refreshes.Add();
  return data;
}

void Forwarder::AnswerWaiting() {
  ended_ = true;
  const MonoTime now = env_.loop.Now();
  while (const auto waiting = pending_.TakeExpired(MonoTime::max())) {
    for (const Waiter& waiter : waiting->waiters) {
      env_.replies.SendAfterFailure(waiter.client(), waiter.stale, now, ErrorForStop());
      FinishMiss(waiter);
    }
  }
  UpdateGauges();
}

void Forwarder::OnTimer() {
  const MonoTime now = env_.loop.Now();
  while (const auto expired = pending_.TakeExpired(now)) {
    // After this call, the next clients get the stale data without waiting for the slow refresh.
    const CacheEntryRef data = env_.cache.NoteSlowRefresh(expired->key, now);
    const FailureErrors error = ErrorFor(ExchangeFailure::kTimeout, ZoneOf(expired->key));
    for (const Waiter& waiter : expired->waiters) {
      env_.replies.SendAfterFailure(waiter.client(), data ? data : waiter.stale, now, error);
      FinishMiss(waiter);
    }
  }
  UpdateGauges();
  ArmTimer();
}

// The timer is not moved to a later deadline before it fires. Most waiting clients are answered
// early, and re-arming for each of them costs more than one early expiry per `query_timeout`.
void Forwarder::ArmTimer() {
  const std::optional<MonoTime> deadline = pending_.next_deadline();
  if (!deadline.has_value() || (timer_->armed() && timer_due_ <= *deadline)) return;
  timer_due_ = *deadline;
  timer_->Start(timer_due_ - env_.loop.Now());
}

void Forwarder::FinishMiss(const Waiter& waiter) {
  env_.counters.miss_duration.Record(env_.loop.Now() - waiter.received_at);
  env_.counters.query_duration.Record(env_.loop.Now() - waiter.received_at);
}

void Forwarder::UpdateGauges() {
  env_.counters.pending_queries.Set(pending_.size());
  env_.counters.waiting_clients.Set(waiter_count());
}

}  // namespace dotcache
