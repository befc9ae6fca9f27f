// SPDX-License-Identifier: Apache-2.0
// A query of a stream connection that waits for its response.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_SENT_QUERY_H_
#define DOTCACHE_UPSTREAM_CONNECTION_SENT_QUERY_H_

#include "core/bytes.h"
#include "core/clock.h"
#include "dns/outgoing_query.h"
#include "upstream/connection/connection.h"
#include "upstream/connection/connection_history.h"

namespace dotcache {

// A value. There may be many, so the name takes only its octets.
struct SentQuery {
  enum class Purpose : uint8_t { kAttempt, kOverdueAttempt, kForgottenAttempt, kSignOfLife };

  SentQuery(const UpstreamQuery& query, AttemptId the_attempt, Purpose the_purpose, MonoTime now)
      : attempt(the_attempt),
        client(query.client),
        purpose(the_purpose),
        edns(query.edns),
        qtype(query.question.qtype),
        qclass(query.question.qclass),
        dnssec_ok(query.dnssec_ok),
        checking_disabled(query.checking_disabled),
        observed(query.observed),
        sent(now),
        qname(query.question.qname.wire().begin(), query.question.qname.wire().end()) {}

  bool wanted() const { return purpose <= Purpose::kOverdueAttempt; }
  Question question() const { return {DomainName::FromValidatedWire(qname), qtype, qclass}; }
  UpstreamQuery query() const {
    return {question(), dnssec_ok, checking_disabled, client, edns, observed};
  }

  AttemptId attempt;
  uint64_t client;
  Purpose purpose;
  EdnsUse edns;
  QType qtype;
  QClass qclass;
  bool dnssec_ok;
  bool checking_disabled;
  bool observed;
  MonoTime sent;  // Or when it began to wait for the connection.
  ConnectionHistory::Place place;
  WireMessage qname;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_SENT_QUERY_H_
