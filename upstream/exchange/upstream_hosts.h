// SPDX-License-Identifier: Apache-2.0
// The upstream servers whose addresses come from a host name.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_HOSTS_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_HOSTS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/types/span.h"
#include "upstream/exchange/upstream_zone.h"
#include "upstream/hosts/host_resolver.h"

namespace dotcache {

// Assigns the addresses that the resolver finds to the slots of each host name in the zones. Logs
// changed and unresolvable addresses if `log_changes` is set. Owned by the UpstreamManager; bound
// to its loop's thread.
class UpstreamHosts : private HostResolver::Delegate {
 public:
  // Called from the loop when slots of the zone have other addresses than before, or when it is
  // known that there are none.
  using OnChange = absl::AnyInvocable<void(UpstreamZone&)>;

  // All references outlive the object.
  UpstreamHosts(const UpstreamServer::Context& context,
                absl::Span<const std::unique_ptr<UpstreamZone>> zones, Exchanger& bootstrap,
                OnChange on_change);

  void Start() { resolver_->Start(); }
  void Stop() { resolver_->Stop(); }

  // True while hosts of the zone are being resolved for the first time: there may soon be a server.
  bool IsPending(const UpstreamZone& zone) const;

  // A query for the zone found no address.
  void OnNoAddress(const UpstreamZone& zone);

  // Servers went down. A host without a server that is up is resolved early.
  void OnServersDown();

 private:
  struct Group {
    UpstreamZone* zone;
    size_t first;  // Of its kMaxHostAddresses slots in the zone.
    std::string host;
    std::vector<std::optional<Endpoint>> slots;
    bool told_unresolved = false;
  };

  void OnHostResolved(size_t host, const std::vector<Endpoint>& addresses) override;
  void OnHostUnresolved(size_t host, const std::string& cause) override;
  bool IsHostUseless(size_t host) const override;

  const bool log_changes_;
  OnChange on_change_;
  std::vector<Group> groups_;
  std::unique_ptr<HostResolver> resolver_;  // A host's number is its group's.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_HOSTS_H_
