// SPDX-License-Identifier: Apache-2.0
// Shows the messages of connections to upstream servers, as they are on the wire.
#ifndef DOTCACHE_UPSTREAM_API_MESSAGE_OBSERVER_H_
#define DOTCACHE_UPSTREAM_API_MESSAGE_OBSERVER_H_

#include "core/bytes.h"
#include "core/clock.h"
#include "dns/dns_types.h"
#include "dns/question.h"
#include "net/endpoint.h"

namespace dotcache {

// A query, or a response that belongs to it. The references are valid during the call.
struct ObservedMessage {
  const Endpoint& server;
  Transport transport;  // Of this message: a truncated response over UDP is followed by TCP.
  const Question& question;
  Bytes wire;
  MonoTime sent;  // The query.
};

// Sees the queries whose `UpstreamQuery::observed` is true, when they are given to a connection
// that is ready, and each response to them, even one that comes late or is not used. Outlives the
// connections. Called on their loop's thread.
class MessageObserver {
 public:
  virtual ~MessageObserver() = default;
  virtual void OnQuerySent(const ObservedMessage& query) = 0;
  virtual void OnResponse(const ObservedMessage& response) = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_API_MESSAGE_OBSERVER_H_
