#include "server/forwarder.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cache/ttl_policy.h"

namespace dotcache {
namespace {

// What a failed exchange means to a client (RFC 8914 section 4).
ExtendedError ErrorFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return {ExtendedErrorCode::kNoReachableAuthority, "no upstream server can be reached"};
    case absl::StatusCode::kDeadlineExceeded:
      return {ExtendedErrorCode::kNetworkError, "no upstream server answered in time"};
    case absl::StatusCode::kDataLoss:
      return {ExtendedErrorCode::kInvalidData, "upstream responses were malformed"};
    case absl::StatusCode::kResourceExhausted:
      return {ExtendedErrorCode::kOther, "too many queries are waiting"};
    default:
      return {ExtendedErrorCode::kOther, "the query could not be forwarded"};
  }
}

// True for responses that are relayed. Other RCODEs say that the server would or could not answer,
// which is no statement about the name: the client gets SERVFAIL.
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

ExtendedError ErrorForRefusal(const ResponseFacts& facts) {
  const std::string said = absl::StrCat("upstream servers answered ", RcodeName(facts.rcode));
  return {facts.edns.extended_error.value_or(ExtendedErrorCode::kNoReachableAuthority), said};
}

}  // namespace

Forwarder::Forwarder(const Environment& environment)
    : env_(environment),
      pending_(static_cast<size_t>(environment.limits.max_pending_queries),
               static_cast<size_t>(environment.limits.max_waiters_per_query)),
      timer_(environment.loop.NewTimer([this] { OnTimer(); })) {}

Forwarder::~Forwarder() {
  pending_.Clear([this](ExchangeId exchange) { env_.exchanger.Cancel(exchange); });
}

bool Forwarder::Forward(const Client& client, const CacheKey& key) {
  const MonoTime now = env_.loop.Now();
  switch (Join(
      key, {client.query, client.address, &client.sink, now, now + env_.limits.query_timeout})) {
    case PendingQueries::JoinResult::kJoined:
      env_.counters.coalesced_queries.Add();
      ArmTimer();
      return true;
    case PendingQueries::JoinResult::kFull:
      env_.counters.limit_rejections.Add();
      env_.replies.SendError(client, Rcode::kServFail, ErrorFor(absl::ResourceExhaustedError("")));
      return false;
    case PendingQueries::JoinResult::kFirst:
      break;
  }
  if (const absl::Status status = BeginExchange(client.query, key); !status.ok()) {
    env_.replies.SendError(client, Rcode::kServFail, ErrorFor(status));
    return false;
  }
  ArmTimer();
  return true;
}

PendingQueries::JoinResult Forwarder::Join(const CacheKey& key, const Waiter& waiter) {
  const PendingQueries::JoinResult result = pending_.Join(key, waiter);
  if (result != PendingQueries::JoinResult::kFull) return result;
  const std::optional<ExchangeId> dropped = pending_.DropOneNobodyWaitsFor();
  if (!dropped.has_value()) return result;
  env_.exchanger.Cancel(*dropped);
  return pending_.Join(key, waiter);
}

absl::Status Forwarder::BeginExchange(const Query& query, const CacheKey& key) {
  absl::StatusOr<ExchangeId> exchange =
      env_.exchanger.Exchange({query.question, query.edns.dnssec_ok, query.checking_disabled},
                              env_.loop.Now() + env_.limits.exchange_timeout,
                              [this, key](absl::StatusOr<UpstreamResponse> response) {
                                OnExchangeDone(key, std::move(response));
                              });
  if (exchange.ok()) {
    pending_.SetExchange(key, *exchange);
  } else {
    if (absl::IsResourceExhausted(exchange.status())) env_.counters.limit_rejections.Add();
    pending_.Take(key);
  }
  env_.counters.pending_queries.Set(pending_.size());
  return exchange.status();
}

void Forwarder::OnExchangeDone(const CacheKey& key, absl::StatusOr<UpstreamResponse> response) {
  const std::vector<Waiter> waiters = pending_.Take(key);
  env_.counters.pending_queries.Set(pending_.size());
  const bool relayed = response.ok() && IsRelayed(response->facts);
  const CacheEntryRef entry = relayed ? Keep(key, *response) : nullptr;
  for (const Waiter& waiter : waiters) {
    const Client client{waiter.query, waiter.address, *waiter.sink};
    if (relayed) {
      env_.replies.SendStored(client, entry->view(), env_.replies.OptionsFor(waiter.address));
    } else {
      const ExtendedError error =
          response.ok() ? ErrorForRefusal(response->facts) : ErrorFor(response.status());
      env_.replies.SendError(client, Rcode::kServFail, error);
    }
    FinishMiss(waiter);
  }
}

void Forwarder::OnTimer() {
  while (const auto expired = pending_.TakeExpired(env_.loop.Now())) {
    for (const Waiter& waiter : expired->waiters) {
      env_.replies.SendError({waiter.query, waiter.address, *waiter.sink}, Rcode::kServFail,
                             ErrorFor(absl::DeadlineExceededError("")));
      FinishMiss(waiter);
    }
  }
  ArmTimer();
}

// The timer is moved forward only when it fires: most who wait are answered long before, and
// arming costs more than one idle expiry in each `query_timeout`.
void Forwarder::ArmTimer() {
  const std::optional<MonoTime> deadline = pending_.next_deadline();
  if (!deadline.has_value() || (timer_->armed() && timer_due_ <= *deadline)) return;
  timer_due_ = *deadline;
  timer_->Start(timer_due_ - env_.loop.Now());
}

CacheEntryRef Forwarder::Keep(const CacheKey& key, const UpstreamResponse& response) {
  const MonoTime now = env_.loop.Now();
  const CacheDecision decision = Decide(response.facts, env_.cache.options());
  CacheEntryRef entry =
      MakeCacheEntry(StoreResponse(response.wire, response.facts, env_.cache.options().ttl_caps),
                     response.facts.kind, response.facts.rcode, now, now + decision.fresh_for);
  if (decision.store) env_.cache.Insert(key, entry, now);
  return entry;
}

void Forwarder::FinishMiss(const Waiter& waiter) {
  env_.counters.miss_duration.Record(env_.loop.Now() - waiter.received_at);
}

}  // namespace dotcache
