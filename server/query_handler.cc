#include "server/query_handler.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "cache/ttl_policy.h"
#include "dns/message_header.h"

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

QueryHandler::QueryHandler(const Environment& environment)
    : env_(environment),
      pending_(static_cast<size_t>(environment.limits.max_pending_queries),
               static_cast<size_t>(environment.limits.max_waiters_per_query)) {}

QueryHandler::~QueryHandler() {
  pending_.Clear([this](ExchangeId exchange) { env_.exchanger.Cancel(exchange); });
}

HandleResult QueryHandler::Handle(Bytes message, bool cut, const ReplyAddress& address,
                                  ReplySink& sink) {
  env_.counters.queries[static_cast<size_t>(address.transport)].Add();
  const std::variant<Query, Rejection> parsed = ParseQuery(message);
  if (const auto* rejection = std::get_if<Rejection>(&parsed)) {
    return Reject(message, *rejection, address, sink);
  }
  const Query& query = std::get<Query>(parsed);
  if (cut) {
    return Reject(message, {.reason = RejectionReason::kTrailingOctets, .reply = true}, address,
                  sink);
  }
  if (!env_.access.Allows(address.peer.remote)) {
    env_.counters.refused_clients.Add();
    ReplyError(query, Rcode::kRefused, {ExtendedErrorCode::kProhibited, ""}, address, sink);
    return HandleResult::kReplied;
  }
  if (env_.local_zones != nullptr) {
    if (const std::optional<StoredMessage> local = env_.local_zones->Answer(query.question)) {
      env_.counters.local_answers.Add();
      ReplyWith(query, {local->wire, local->ttl_offsets}, BaseOptions(address), address, sink);
      return HandleResult::kReplied;
    }
  }
  const CacheKey key(query.question, query.edns.dnssec_ok, query.checking_disabled,
                     env_.cache.seed());
  const MonoTime now = env_.loop.Now();
  if (const CacheEntryRef entry = env_.cache.Lookup(key, now)) {
    env_.counters.cache_hits.Add();
    ReplyOptions options = BaseOptions(address);
    options.age = entry->AgeAt(now);
    ReplyWith(query, entry->view(), options, address, sink);
    return HandleResult::kReplied;
  }
  env_.counters.cache_misses.Add();
  if (!query.recursion_desired) {
    // Only what is known already: asking upstream is recursion (RFC 1035 section 4.3.1).
    ReplyError(query, Rcode::kRefused, {ExtendedErrorCode::kOther, "recursion was not desired"},
               address, sink);
    return HandleResult::kReplied;
  }
  return HandleMiss(query, key, address, sink);
}

HandleResult QueryHandler::Reject(Bytes message, const Rejection& rejection,
                                  const ReplyAddress& address, ReplySink& sink) {
  env_.counters.rejections[static_cast<size_t>(rejection.reason)].Add();
  // Who may not ask learns nothing, not even that the message was malformed.
  if (!rejection.reply || !env_.access.Allows(address.peer.remote)) return HandleResult::kDropped;
  const MutableBytes buffer = sink.ReserveReply(address);
  if (buffer.empty()) return HandleResult::kDropped;
  const size_t size = BuildErrorReply(message, rejection, buffer);
  env_.counters.CountResponse(rejection.rcode);
  sink.CommitReply(address, size);
  return HandleResult::kReplied;
}

HandleResult QueryHandler::HandleMiss(const Query& query, const CacheKey& key,
                                      const ReplyAddress& address, ReplySink& sink) {
  const MonoTime now = env_.loop.Now();
  switch (pending_.Join(key, {query, address, &sink, now})) {
    case PendingQueries::JoinResult::kJoined:
      env_.counters.coalesced_queries.Add();
      return HandleResult::kPending;
    case PendingQueries::JoinResult::kFull:
      env_.counters.limit_rejections.Add();
      ReplyError(query, Rcode::kServFail, ErrorFor(absl::ResourceExhaustedError("")), address,
                 sink);
      return HandleResult::kReplied;
    case PendingQueries::JoinResult::kFirst:
      break;
  }
  absl::StatusOr<ExchangeId> exchange = env_.exchanger.Exchange(
      {query.question, query.edns.dnssec_ok, query.checking_disabled},
      now + env_.limits.query_timeout, [this, key](absl::StatusOr<UpstreamResponse> response) {
        OnExchangeDone(key, std::move(response));
      });
  if (!exchange.ok()) {
    if (absl::IsResourceExhausted(exchange.status())) env_.counters.limit_rejections.Add();
    pending_.Take(key);
    ReplyError(query, Rcode::kServFail, ErrorFor(exchange.status()), address, sink);
    return HandleResult::kReplied;
  }
  pending_.SetExchange(key, *exchange);
  env_.counters.pending_queries.Set(pending_.size());
  return HandleResult::kPending;
}

void QueryHandler::OnExchangeDone(const CacheKey& key, absl::StatusOr<UpstreamResponse> response) {
  const std::vector<Waiter> waiters = pending_.Take(key);
  env_.counters.pending_queries.Set(pending_.size());
  const bool relayed = response.ok() && IsRelayed(response->facts);
  CacheEntryRef entry;
  if (relayed) {
    const CacheDecision decision = Decide(response->facts, env_.cache.options());
    entry = MakeEntry(*response, decision.fresh_for);
    if (decision.store) env_.cache.Insert(key, entry, env_.loop.Now());
  }
  for (const Waiter& waiter : waiters) {
    if (relayed) {
      ReplyWith(waiter.query, entry->view(), BaseOptions(waiter.address), waiter.address,
                *waiter.sink);
    } else {
      const ExtendedError error =
          response.ok() ? ErrorForRefusal(response->facts) : ErrorFor(response.status());
      ReplyError(waiter.query, Rcode::kServFail, error, waiter.address, *waiter.sink);
    }
    env_.counters.miss_duration.Record(env_.loop.Now() - waiter.received_at);
  }
}

CacheEntryRef QueryHandler::MakeEntry(const UpstreamResponse& response, Seconds fresh_for) {
  const MonoTime now = env_.loop.Now();
  return MakeCacheEntry(StoreResponse(response.wire, response.facts, env_.cache.options().ttl_caps),
                        response.facts.kind, response.facts.rcode, now, now + fresh_for);
}

void QueryHandler::ReplyWith(const Query& query, const StoredView& stored,
                             const ReplyOptions& options, const ReplyAddress& address,
                             ReplySink& sink) {
  const MutableBytes buffer = sink.ReserveReply(address);
  if (buffer.empty()) return;
  Send(address, sink, buffer, BuildReply(query, stored, options, buffer));
}

void QueryHandler::ReplyError(const Query& query, Rcode rcode, ExtendedError error,
                              const ReplyAddress& address, ReplySink& sink) {
  const MutableBytes buffer = sink.ReserveReply(address);
  if (buffer.empty()) return;
  ReplyOptions options = BaseOptions(address);
  options.extended_error = std::move(error);
  Send(address, sink, buffer, BuildRcodeReply(query, rcode, options, buffer));
}

void QueryHandler::Send(const ReplyAddress& address, ReplySink& sink, MutableBytes buffer,
                        size_t size) {
  if (size >= kHeaderSize) {
    const MessageHeader header = LoadHeader(buffer);
    env_.counters.CountResponse(header.header_rcode());
    if (header.Has(kFlagTc)) env_.counters.truncated_replies.Add();
  }
  sink.CommitReply(address, size);
}

ReplyOptions QueryHandler::BaseOptions(const ReplyAddress& address) const {
  ReplyOptions options;
  options.transport = address.transport;
  options.max_udp_payload_size = env_.limits.max_udp_payload_size;
  if (address.transport != Transport::kUdp) {
    // RFC 7828 section 3.1: units of 100 ms.
    options.keepalive_timeout_100ms =
        static_cast<uint16_t>(env_.limits.stream_idle_timeout.count() / 100);
  }
  return options;
}

}  // namespace dotcache
