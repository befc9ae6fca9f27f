#include "server/query_handler.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "server/extended_errors.h"

namespace dotcache {

QueryHandler::QueryHandler(const Environment& environment)
    : env_(environment),
      replies_(environment.counters, environment.limits,
               std::min(environment.cache.options().stale_ttl,
                        environment.cache.options().ttl_caps.positive)),
      forwarder_({environment.loop, environment.cache, environment.exchanger, replies_,
                  environment.counters, environment.limits}) {}

HandleResult QueryHandler::Handle(Bytes message, bool cut, const ReplyAddress& address,
                                  ReplySink& sink) {
  env_.counters.queries[static_cast<size_t>(address.transport)].Add();
  const std::variant<Query, Rejection> parsed = ParseQuery(message);
  if (const auto* rejection = std::get_if<Rejection>(&parsed)) {
    return Reject(message, *rejection, address, sink);
  }
  const Query& query = std::get<Query>(parsed);
  const Client client{query, address, sink};
  if (cut) {
    return Reject(message, {.reason = RejectionReason::kTrailingOctets, .reply = true}, address,
                  sink);
  }
  if (!env_.access.Allows(address.peer.remote)) {
    env_.counters.refused_clients.Add();
    replies_.SendError(client, Rcode::kRefused, {ExtendedErrorCode::kProhibited, ""});
    return HandleResult::kReplied;
  }
  if (env_.local_zones != nullptr) {
    if (const std::optional<StoredMessage> local = env_.local_zones->Answer(query.question)) {
      env_.counters.local_answers.Add();
      replies_.SendStored(client, {local->wire, local->ttl_offsets}, replies_.OptionsFor(address));
      return HandleResult::kReplied;
    }
  }
  const CacheKey key(query.question, query.edns.dnssec_ok, query.checking_disabled,
                     env_.cache.seed());
  const MonoTime now = env_.loop.Now();
  const Found found = env_.cache.Lookup(key, now);
  if (found.state != Found::State::kFresh) return HandleMiss(client, key, found);
  env_.counters.cache_hits.Add();
  if (found.for_all_types) env_.counters.nxdomain_hits.Add();
  replies_.SendCached(client, *found.entry, now);
  if (found.refresh_due && query.recursion_desired) forwarder_.Prefetch(query, key);
  return HandleResult::kReplied;
}

HandleResult QueryHandler::HandleMiss(const Client& client, const CacheKey& key,
                                      const Found& found) {
  if (!client.query.recursion_desired) {
    // Only what is known already: asking upstream is recursion (RFC 1035 section 4.3.1).
    env_.counters.cache_misses.Add();
    replies_.SendError(client, Rcode::kRefused,
                       {ExtendedErrorCode::kOther, "recursion was not desired"});
    return HandleResult::kReplied;
  }
  if (found.state == Found::State::kStale && !found.refresh_due) {
    replies_.SendCached(client, *found.entry, env_.loop.Now());
    return HandleResult::kReplied;
  }
  if (found.state == Found::State::kFailure) {
    env_.counters.failure_hits.Add();
    replies_.SendError(client, Rcode::kServFail, RememberedError(*found.entry));
    return HandleResult::kReplied;
  }
  env_.counters.cache_misses.Add();
  const bool waits = forwarder_.Forward(client, key, found.entry);
  return waits ? HandleResult::kPending : HandleResult::kReplied;
}

HandleResult QueryHandler::Reject(Bytes message, const Rejection& rejection,
                                  const ReplyAddress& address, ReplySink& sink) {
  env_.counters.rejections[static_cast<size_t>(rejection.reason)].Add();
  // Who may not ask learns nothing, not even that the message was malformed.
  if (!rejection.reply || !env_.access.Allows(address.peer.remote)) return HandleResult::kDropped;
  const bool sent = replies_.SendRejection(message, rejection, address, sink);
  return sent ? HandleResult::kReplied : HandleResult::kDropped;
}

}  // namespace dotcache
