// SPDX-License-Identifier: Apache-2.0
// Keeps the addresses of host names up to date.
#ifndef DOTCACHE_UPSTREAM_HOSTS_HOST_RESOLVER_H_
#define DOTCACHE_UPSTREAM_HOSTS_HOST_RESOLVER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/random/bit_gen_ref.h"
#include "core/event_loop.h"
#include "dns/domain_name.h"
#include "net/endpoint.h"
#include "upstream/api/exchanger.h"
#include "upstream/hosts/host_answer.h"

namespace dotcache {

// Queries A, AAAA and, if the operator named no port, SVCB of `_dns.HOST` (RFC 9461) of every host
// at once, and again when the TTL has passed. The latest answer to each question is kept until
// another one comes, so addresses stay in use while they cannot be resolved (as in RFC 8767). A
// round without an address, or with useless ones only, is repeated after 1 s x 2^n, at most 60 s,
// give or take a quarter. Owned by a worker's manager; bound to its loop's thread.
class HostResolver {
 public:
  struct Host {
    DomainName name;    // Canonical.
    uint16_t port = 0;  // 0: what SVCB says, or 853.
  };

  // The owner, which outlives the resolver. Called from the loop only, never inside a call.
  class Delegate {
   public:
    virtual ~Delegate() = default;
    // Its addresses are these, from 1 to kMaxHostAddresses; perhaps the same as before.
    virtual void OnHostResolved(size_t host, const std::vector<Endpoint>& addresses) = 0;
    // A round ended without an address.
    virtual void OnHostUnresolved(size_t host, const std::string& cause) = 0;
    // True while all of its addresses are useless.
    virtual bool IsHostUseless(size_t host) const = 0;
  };

  // All references outlive the resolver. A host's number is its place in `hosts`.
  HostResolver(EventLoop& loop, Exchanger& exchanger, const std::vector<Host>& hosts,
               absl::BitGenRef random, Delegate& delegate);
  ~HostResolver();

  // Begins with all hosts in the next turn of the loop.
  void Start();

  // Sends no query and calls no delegate from now on.
  void Stop();

  // Its addresses are wanted, but there are none, or they are useless. Queries again without
  // waiting for the back-off or the TTL, `interval` after the latest round began.
  void Hurry(size_t host, Duration interval);

  // True until its first round has ended or brought an address.
  bool IsFirst(size_t host) const { return lookups_[host]->is_first; }

 private:
  // What is known of one host, and the round under way.
  struct Lookup {
    Host host;
    HostKnowledge known;
    bool is_first = true;
    int failures = 0;   // Rounds in a row that brought nothing: n of the back-off.
    MonoTime began;     // The latest round,
    MonoTime next_due;  // and the next.
    std::unique_ptr<Timer> next_round;
    // Of the round.
    bool asking = false;
    std::vector<ExchangeId> exchanges;
    size_t open = 0;
    bool has_answer = false;  // To A or AAAA, or hints.
    bool has_failure = false;
    std::string cause;  // Why there is no address.
    std::unique_ptr<Timer> grace;
  };

  void BeginRound(size_t host);
  void Ask(size_t host, const Question& question);
  void OnResponse(size_t host, const Question& question,
                  const ExchangeOr<UpstreamResponse>& response);
  void OnGraceOver(size_t host);
  void EndRound(size_t host);

  EventLoop& loop_;
  Exchanger& exchanger_;
  absl::BitGenRef random_;
  Delegate& delegate_;
  bool stopped_ = false;
  std::vector<std::unique_ptr<Lookup>> lookups_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_HOSTS_HOST_RESOLVER_H_
