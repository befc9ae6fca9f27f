// SPDX-License-Identifier: Apache-2.0
// The servers of one zone.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_ZONE_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_ZONE_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "core/event_loop.h"
#include "dns/domain_name.h"
#include "upstream/api/exchanger.h"
#include "upstream/api/upstream_options.h"
#include "upstream/exchange/provider.h"
#include "upstream/exchange/server_view.h"
#include "upstream/exchange/upstream_selector.h"
#include "upstream/pool/upstream_server.h"

namespace dotcache {

// Owns the servers that are queried for the names at and below one name, and puts them in order for
// a question. Knows what concerns all of them: the providers, and whether all are down. While all
// are down, each is probed without its back-off. Owned by the UpstreamManager; bound to its loop's
// thread.
class UpstreamZone {
 public:
  using Views = absl::InlinedVector<ServerView, 8>;

  // `numbered`: one element for each server. The zone continues with the servers of `previous` that
  // have the same number, and with what is known about its providers.
  UpstreamZone(const UpstreamServer::Context& context, const UpstreamZoneOptions& options,
               absl::Span<const NumberedServer> numbered, UpstreamZone* previous = nullptr);

  // True if these options ask for nothing that this zone is not.
  bool Is(const UpstreamZoneOptions& options, absl::Span<const NumberedServer> numbered) const;

  // Another zone has taken its place: only its exchanges go on. Servers that leave are drained.
  void BecomeFormer(absl::FunctionRef<bool(const UpstreamServer&)> leaves);
  bool is_former() const { return former_; }
  void AddExchange() { ++exchanges_; }
  void RemoveExchange() { --exchanges_; }
  // True if the former zone can be destroyed. Not inside a callback of its servers.
  bool IsOver();
  const UpstreamZoneOptions& options() const { return options_; }
  size_t size() const { return servers_.size(); }
  UpstreamServer& server(size_t index) { return *servers_[index]; }
  const UpstreamServer& server(size_t index) const { return *servers_[index]; }
  Provider& provider(size_t index) { return providers_[index]; }
  Provider& ProviderOf(size_t server) { return providers_[portions_[server].provider]; }
  const Provider& provider(size_t index) const { return providers_[index]; }
  // The exchange waits for a server. It goes on when one has changed.
  void Wait(ExchangeId exchange) { waiting_.push_back(exchange); }
  // A server has changed.
  void NoteChange();
  bool HasWaiting() const { return !waiting_.empty(); }
  // At most `limit` of the exchanges that waited when a server changed. Some may have ended.
  std::vector<ExchangeId> TakeWoken(size_t limit);
  bool HasWoken() const { return !woken_.empty(); }

  // Begins or stops to use this provider (Provider::taken_out). No effect without such a provider.
  void UseProvider(absl::string_view name, bool use);
  void UseProviders();  // Tells new servers. REQUIRES: ZoneSet::ZoneOf() finds them.

  Views LookAt(MonoTime now) const;

  // The order of querying for this name. Opens a connection to a server that could not come first
  // without one.
  ServerOrder ChooseOrder(const DomainName& qname, const Views& views, MonoTime now);

  // The same, but it changes nothing.
  ServerOrder PreviewOrder(const DomainName& qname, const Views& views) const;

  // Whether its names may be queried twice for speed. Under `sticky-hash`, a hedge would disclose
  // the name to another provider.
  bool MayHedge() const {
    return context_.limits.hedge && size() > 1 && options_.policy != SelectionPolicy::kStickyHash;
  }

  // A query without a response is hedged after this: twice the time in which the best server gives
  // 19 of 20 responses, at least 20 ms.
  Duration HedgeTime(const Views& views) const;

  // The servers of the same provider, as bits; only the server itself if the zone has no other
  // provider with an address.
  uint64_t SameProvider(size_t server, const Views& views) const;

  // While urgent, the servers are probed without their back-off.
  void SetUrgent(bool urgent);
  bool urgent() const { return urgent_; }

  // Notes whether no server can be reached. Logs a line when that begins.
  void NoteLost(bool lost);

  // A server gave a usable response to a name to which the servers in `reported_errors` (bits)
  // answered with an error, the latest with `rcode`. Their providers were wrong.
  void NoteAnswer(size_t server, uint64_t reported_errors, const DomainName& qname, Rcode rcode);

  // Probes the servers that are down, if a probe for a query is due.
  void ProbeOnDemand();
  // Opens a connection to each server.
  void Prepare();

  // The slot has this address from now on, or none. A new server replaces the previous one, which
  // still completes its attempts. REQUIRES: it is a slot of a host name.
  void SetAddress(size_t index, const std::optional<Endpoint>& address);
  // Destroys former servers without connections. Not inside a callback of theirs.
  void DropRetired();

  // Closes connections when they become idle and opens one only for a query.
  void Drain();

 private:
  // The part of ServerView that does not depend on the server's state.
  struct Portion {
    uint8_t provider;
    double weight;
    uint64_t provider_hash;
  };

  void FindProviders();
  std::shared_ptr<UpstreamServer> FindNumbered(int index) const;
  void TellErring(uint8_t provider);
  ServerChoice Choose(UpstreamSelector& selector, const DomainName& qname,
                      const Views& views) const;

  const UpstreamServer::Context context_;
  const UpstreamZoneOptions options_;
  const std::vector<NumberedServer> numbered_;  // By server.
  UpstreamSelector selector_;
  std::vector<std::shared_ptr<UpstreamServer>> servers_;  // Former zones have some of them, too.
  std::vector<std::shared_ptr<UpstreamServer>> retired_;  // Their place was taken.
  std::vector<Provider> providers_;
  std::vector<Portion> portions_;  // By server.
  size_t exchanges_ = 0;
  bool former_ = false;
  bool draining_ = false;
  bool prepared_ = false;
  bool urgent_ = false;
  bool told_lost_ = false;
  std::vector<ExchangeId> waiting_;
  std::vector<ExchangeId> woken_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_ZONE_H_
