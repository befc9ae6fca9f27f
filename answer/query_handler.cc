// SPDX-License-Identifier: Apache-2.0
#include "answer/query_handler.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "answer/extended_errors.h"

namespace dotcache {
namespace {

// Returns how long an error reply may be. Over UDP it must not be longer than its query: the source
// address may be spoofed, and a longer reply would help an attacker. It may be longer by the
// difference between our cookie and the client's. A stream client has proved its address, so there
// is no limit.
size_t MaxReplySize(Bytes message, const Client& client) {
  if (client.address.transport != Transport::kUdp) return kMaxMessageSize;
  const Query& query = client.query;
  if (!query.reply_cookie.has_value()) return message.size();
  const size_t cookie_size = query.reply_cookie->size();
  return message.size() + cookie_size - std::min<size_t>(query.edns.cookie.size, cookie_size);
}

// No TTL in a reply is above the operator's maximum.
Seconds StaleTtl(const ResponseCache& cache) {
  const CacheOptions options = cache.options();
  return std::min(options.stale_ttl, options.ttl_caps.positive);
}

}  // namespace

QueryHandler::QueryHandler(const Environment& environment)
    : env_(environment),
      rules_{&environment.access,     environment.local_names, environment.cookies,
             environment.own_answers, environment.zones,       environment.answer_times,
             environment.client_rate},
      reply_times_(environment.loop, environment.counters.query_duration),
      replies_(environment.counters, environment.limits, StaleTtl(environment.cache),
               environment.own_answers == nullptr ? "" : environment.own_answers->identity()) {
  replies_.UseQueryLog(env_.query_log);
  replies_.UseZones(env_.zones);
  if (env_.exchanger != nullptr) {
    forwarder_.emplace(Forwarder::Environment{env_.loop, env_.cache, *env_.exchanger, replies_,
                                              env_.counters, env_.limits, env_.local_names,
                                              env_.zones, env_.answer_times, env_.query_log});
  }
  if (env_.handoff.has_value()) {
    handoff_.emplace(MissHandoff::Environment{env_.loop, env_.handoff->board, env_.handoff->worker,
                                              env_.handoff->sinks, replies_, env_.counters,
                                              forwarder_.has_value() ? &*forwarder_ : nullptr});
  }
}

void QueryHandler::UseRules(const Rules& rules) {
  rules_ = rules;
  if (forwarder_.has_value()) {
    forwarder_->UseRules(rules.local_names, rules.zones, rules.answer_times);
  }
  replies_.Use(StaleTtl(env_.cache),
               rules.own_answers == nullptr ? "" : rules.own_answers->identity());
  replies_.UseZones(rules.zones);
}

bool QueryHandler::Finish() {
  const bool no_more = !handoff_.has_value() || handoff_->Finish();
  return no_more && pending_count() == 0;
}

void QueryHandler::Prefetch(const Query& query, const CacheKey& key) {
  if (IsHome(query)) {
    forwarder_->Prefetch(query, key);
  } else {
    handoff_->HandOverPrefetch(query, key);
  }
}

HandleResult QueryHandler::Handle(Bytes message, bool cut, const ReplyAddress& address,
                                  ReplySink& sink) {
  env_.counters.queries[static_cast<size_t>(address.transport)].Add();
  env_.counters.query_sizes.Count(message.size());
  if (env_.query_log != nullptr && env_.query_log->wants_queries()) [[unlikely]] {
    env_.query_log->Add(
        {.transport = address.transport, .peer = address.client, .begun = env_.loop.Now()},
        message);
  }
  const HandleResult result = HandleMessage(message, cut, address, sink);
  if (result == HandleResult::kReplied) reply_times_.Note();
  return result;
}

HandleResult QueryHandler::HandleMessage(Bytes message, bool cut, const ReplyAddress& address,
                                         ReplySink& sink) {
  std::variant<Query, Rejection> parsed = ParseQuery(message);
  if (const auto* rejection = std::get_if<Rejection>(&parsed)) {
    return Reject(message, *rejection, address, sink);
  }
  Query& query = std::get<Query>(parsed);
  env_.counters.query_types[TypeSlot(query.question.qtype)].Add();
  const Client client{query, address, sink, env_.loop.Now()};
  if (cut) {
    return Reject(message, RejectionOf(query, RejectionReason::kTrailingOctets, Rcode::kFormErr),
                  address, sink);
  }
  if (env_.top != nullptr && env_.top->measuring()) {
    env_.top->Count(env_.worker, query.question, address.client, env_.loop.Now());
  }
  size_t rate = 0;
  if (const auto denied = CheckAccess(message, client, rate)) return *denied;
  if (query.edns.cookie.size > 0 || (rules_.cookies != nullptr && rules_.cookies->required())) {
    if (!PassCookie(message, query, client)) return HandleResult::kReplied;
  }
  if (rules_.client_rate != nullptr) {
    if (const auto limited = LimitClient(message, client, rate)) return *limited;
  }
  if (address.transport == Transport::kUdp && env_.reply_rate != nullptr &&
      env_.reply_rate->enabled() && !query.has_good_cookie) {
    if (const auto limited = LimitRate(client)) return *limited;
  }
  if (query.question.qclass != QClass::kIn) return AnswerOurselves(message, client);
  if (SendLocal(client, /*may_be_open=*/false)) return HandleResult::kReplied;
  if (rules_.own_answers != nullptr && rules_.own_answers->Concerns(query.question)) {
    return AnswerOurselves(message, client);
  }
  const CacheKey key(query.question, query.edns.dnssec_ok, query.checking_disabled,
                     env_.cache.seed());
  const MonoTime now = env_.loop.Now();
  const Found found = env_.cache.Lookup(key, now, query.recursion_desired);
  if (found.state != Found::State::kFresh) return HandleMiss(message, client, key, found);
  env_.counters.cache_hits.Add();
  if (found.for_all_types) env_.counters.nxdomain_hits.Add();
  replies_.SendCached(client, *found.entry, now);
  if (found.refresh_due) Prefetch(query, key);
  return HandleResult::kReplied;
}

// Returns false without a local answer. An open one is only an alias, whose target is elsewhere.
bool QueryHandler::SendLocal(const Client& client, bool may_be_open) {
  if (rules_.local_names == nullptr) return false;
  const auto local = rules_.local_names->Answer(client.query.question);
  if (!local.has_value() || (local->open && !may_be_open)) return false;
  WorkerCounters& counters = env_.counters;
  (local->from_records ? counters.local_record_answers : counters.local_answers).Add();
  replies_.SendStored(client, {local->message.wire, local->message.ttl_offsets},
                      replies_.OptionsFor(client.address));
  return true;
}

HandleResult QueryHandler::HandleMiss(Bytes message, const Client& client, const CacheKey& key,
                                      const Found& found) {
  if (env_.loops != nullptr && env_.loops->OnQuery(client.query.question.qname)) {
    // An error would be retried at another server. NXDOMAIN ends the probe with the fewest
    // messages.
    replies_.SendError(client, Rcode::kNxDomain,
                       {ExtendedErrorCode::kOther, "forwarding loop: this server sent this query"});
    return HandleResult::kReplied;
  }
  if (!client.query.recursion_desired) {
    // Without RD, only cached and local data is served. To query an upstream server is recursion
    // (RFC 1035 section 4.3.1).
    if (SendLocal(client, /*may_be_open=*/true)) return HandleResult::kReplied;
    env_.counters.cache_misses.Add();
    replies_.SendError(client, Rcode::kRefused,
                       {ExtendedErrorCode::kOther, "recursion was not desired"},
                       MaxReplySize(message, client));
    return HandleResult::kReplied;
  }
  if (found.state == Found::State::kStale && !found.refresh_due) {
    replies_.SendCached(client, *found.entry, env_.loop.Now());
    return HandleResult::kReplied;
  }
  const bool is_failure = found.state == Found::State::kFailure;
  const bool may_be_over =
      is_failure && rules_.answer_times != nullptr &&
      rules_.answer_times->MayBeOver(*found.entry, key.name_hash(), env_.loop.Now());
  if (is_failure && !may_be_over) {
    env_.counters.failure_hits.Add();
    replies_.SendFailure(client, RememberedError(*found.entry));
    return HandleResult::kReplied;
  }
  env_.counters.cache_misses.Add();
  const CacheEntryRef stale = is_failure ? nullptr : found.entry;
  const bool waits = IsHome(client.query) ? forwarder_->Forward(client, key, stale, env_.loop.Now())
                                          : handoff_->HandOver(client, key, stale);
  return waits ? HandleResult::kPending : HandleResult::kReplied;
}

HandleResult QueryHandler::Reject(Bytes message, const Rejection& rejection,
                                  const ReplyAddress& address, ReplySink& sink) {
  CountRejection(rejection.reason);
  if (!rejection.reply) return HandleResult::kDropped;
  // A malformed message from a client that gets no answers gets no reply.
  const AccessReach reach = rules_.access->ReachOf(address.client, address.listener_key);
  if (reach != AccessReach::kAnswers) return HandleResult::kDropped;
  const bool sent = replies_.SendRejection(message, rejection, address, sink, env_.loop.Now());
  return sent ? HandleResult::kReplied : HandleResult::kDropped;
}

bool QueryHandler::PassCookie(Bytes message, Query& query, const Client& client) {
  const CookieOutcome outcome =
      rules_.cookies == nullptr
          ? ClientCookies::WithoutCookies(query)
          : rules_.cookies->Judge(client.address.client, client.address.transport,
                                  env_.loop.UnixSeconds(), query);
  switch (outcome) {
    case CookieOutcome::kProceed:
      return true;
    case CookieOutcome::kCookieOnly:
      replies_.SendRcode(client, Rcode::kNoError);
      return false;
    case CookieOutcome::kBadCookie:
      CountRejection(RejectionReason::kBadCookie);
      replies_.SendRcode(client, Rcode::kBadCookie);
      return false;
    case CookieOutcome::kTruncate:
      CountRejection(RejectionReason::kNoCookie);
      replies_.SendTruncated(client);
      return false;
    case CookieOutcome::kMalformed:
      Reject(message, RejectionOf(query, RejectionReason::kQuestionCount, Rcode::kFormErr),
             client.address, client.sink);
      return false;
  }
  return true;
}

std::optional<HandleResult> QueryHandler::CheckAccess(Bytes message, const Client& client,
                                                      size_t& rate) {
  const AccessVerdict verdict = rules_.access->Judge(
      client.address.client, client.address.listener_key, client.query.question.qname);
  rate = verdict.rate;
  switch (verdict.action) {
    case AccessAction::kAllow:
      return std::nullopt;
    case AccessAction::kRefuse:
      env_.counters.refused_clients.Add();
      replies_.SendError(client, Rcode::kRefused, {ExtendedErrorCode::kProhibited, ""},
                         MaxReplySize(message, client));
      return HandleResult::kReplied;
    case AccessAction::kDrop:
      env_.counters.dropped_clients.Add();
      return HandleResult::kDropped;
  }
  return std::nullopt;
}

// Returns how the query was handled if it is above the rate of its client.
std::optional<HandleResult> QueryHandler::LimitClient(Bytes message, const Client& client,
                                                      size_t rate) {
  const bool is_udp = client.address.transport == Transport::kUdp;
  const bool proved = !is_udp || client.query.has_good_cookie;
  if (rules_.client_rate->Allows(client.address.client, rate, proved, env_.loop.Now())) {
    return std::nullopt;
  }
  env_.counters.limit(Limit::kClientRate).Add();
  const OverRate action = is_udp ? rules_.client_rate->over_udp() : OverRate::kRefuse;
  if (action == OverRate::kDrop) return HandleResult::kDropped;
  if (action == OverRate::kTruncate) {
    replies_.SendTruncated(client);
  } else {
    replies_.SendError(client, Rcode::kRefused,
                       {ExtendedErrorCode::kProhibited, "query rate of this client"},
                       MaxReplySize(message, client));
  }
  return HandleResult::kReplied;
}

// Returns how the query was handled if it is above the rate of its reply.
std::optional<HandleResult> QueryHandler::LimitRate(const Client& client) {
  const ReplyRate::Verdict verdict =
      env_.reply_rate->Judge(client.address.client, client.query.question, env_.loop.Now());
  if (verdict == ReplyRate::Verdict::kReply) return std::nullopt;
  CountRejection(RejectionReason::kReplyRate);
  if (verdict == ReplyRate::Verdict::kDrop) return HandleResult::kDropped;
  replies_.SendTruncated(client);
  return HandleResult::kReplied;
}

HandleResult QueryHandler::AnswerOurselves(Bytes message, const Client& client) {
  const std::optional<StoredMessage> answer =
      rules_.own_answers == nullptr ? std::nullopt
                                    : rules_.own_answers->Answer(client.query.question);
  if (!answer.has_value()) {
    return Reject(message, RejectionOf(client.query, RejectionReason::kClass, Rcode::kRefused),
                  client.address, client.sink);
  }
  env_.counters.local_answers.Add();
  ReplyOptions options = replies_.OptionsFor(client.address);
  if (client.query.question.qclass != QClass::kIn) options.max_growth = kMaxNamedGrowth;
  replies_.SendStored(client, {answer->wire, answer->ttl_offsets}, options);
  return HandleResult::kReplied;
}

}  // namespace dotcache
