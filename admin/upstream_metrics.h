// SPDX-License-Identifier: Apache-2.0
// The metrics of upstream servers and their providers.
#ifndef DOTCACHE_ADMIN_UPSTREAM_METRICS_H_
#define DOTCACHE_ADMIN_UPSTREAM_METRICS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "upstream/api/upstream_counters.h"

namespace dotcache {

class Exposition;
class Server;

// The counters of all workers for the addresses of one provider in one zone, or for one address.
struct UpstreamTotals {
  std::string zone;
  std::string provider;
  std::string address;  // Empty for a provider.
  std::vector<std::shared_ptr<const UpstreamCounters>> parts;

  uint64_t Sum(Counter UpstreamCounters::*member) const;
  uint64_t Max(Counter UpstreamCounters::*member) const;
  uint64_t Replies(size_t rcode_slot) const;
  // The attempts that failed for this reason, one of FailureReasonNames().
  uint64_t Failures(absl::string_view reason) const;
};

// One element for each provider of each zone, in the order of the configuration.
std::vector<UpstreamTotals> ProviderTotals(const Server& server);
// One element for each server with an address.
std::vector<UpstreamTotals> AddressTotals(const Server& server);

// The reason of a failure in metrics: "connect", "tls", "timeout"...
absl::string_view FailureReasonName(UpstreamFailure failure);
// All of them.
std::vector<absl::string_view> FailureReasonNames();

// Adds the metrics to the page. Most are per provider, because a default configuration has three
// providers and twelve addresses.
void AddUpstreamMetrics(const Server& server, Exposition& out);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_UPSTREAM_METRICS_H_
