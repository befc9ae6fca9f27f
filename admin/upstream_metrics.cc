// SPDX-License-Identifier: Apache-2.0
#include "admin/upstream_metrics.h"

#include <algorithm>

#include "admin/exposition.h"
#include "server/server.h"

namespace dotcache {
namespace {

MetricLabels LabelsOf(const UpstreamTotals& totals) {
  MetricLabels labels = {{"zone", totals.zone}, {"provider", totals.provider}};
  if (!totals.address.empty()) labels.push_back({"address", totals.address});
  return labels;
}

// A sample with one more label.
void AddLabelled(const UpstreamTotals& totals, const char* label, absl::string_view value,
                 uint64_t count, Exposition::Family& family) {
  MetricLabels labels = LabelsOf(totals);
  labels.push_back({label, std::string(value)});
  Exposition::Add(family, std::move(labels), static_cast<double>(count));
}

struct UpstreamMetric {
  const char* name;
  bool gauge;
  const char* help;
  Counter UpstreamCounters::*member;
};
constexpr UpstreamMetric kSums[] = {
    {"dotcache_upstream_queries_total", false, "Queries sent to the provider.",
     &UpstreamCounters::queries},
    {"dotcache_upstream_given_up_total", false,
     "Attempts whose exchange ended before they had a result. Without queries in flight, queries = "
     "responses + failures + given up.",
     &UpstreamCounters::given_up},
    {"dotcache_upstream_late_responses_total", false,
     "Responses received after the end of their exchange. Their attempts are counted as given up.",
     &UpstreamCounters::late},
    {"dotcache_upstream_timeouts_total", false,
     "Attempts that exceeded their attempt timeout. A late response may follow.",
     &UpstreamCounters::timeouts},
    {"dotcache_upstream_hedges_total", false,
     "Queries sent to this provider because another server was slow to respond.",
     &UpstreamCounters::hedges},
    {"dotcache_upstream_stalls_total", false,
     "Connections that became silent: no data was received while queries waited.",
     &UpstreamCounters::stalls},
    {"dotcache_upstream_in_flight", true, "Queries that wait for a response.",
     &UpstreamCounters::in_flight},
};
constexpr UpstreamMetric kStates[] = {
    {"dotcache_upstream_erring", true,
     "1 while the provider responds with errors to queries that another provider answers. Such a "
     "provider is queried last.",
     &UpstreamCounters::erring},
    {"dotcache_upstream_loops", true,
     "1 while a server of the provider sends queries back to dotcache (a forwarding loop). Such a "
     "server is not used.",
     &UpstreamCounters::loops},
};

struct NamedCounter {
  const char* value;
  Counter UpstreamCounters::*member;
};
constexpr NamedCounter kRejections[] = {
    {"not-ours", &UpstreamCounters::mismatched},
    {"malformed", &UpstreamCounters::malformed},
    {"not-an-answer", &UpstreamCounters::not_an_answer},
    {"truncated", &UpstreamCounters::truncated},
    {"error", &UpstreamCounters::error_responses},
};
constexpr NamedCounter kHandshakes[] = {
    {"full", &UpstreamCounters::full_handshakes},
    {"resumed", &UpstreamCounters::resumed_handshakes},
    {"failed", &UpstreamCounters::failed_handshakes},
};

// Samples of other RCODEs and reasons begin when they are counted.
constexpr Rcode kUsualRcodes[] = {Rcode::kNoError, Rcode::kNxDomain, Rcode::kServFail};
constexpr absl::string_view kRareReasons[] = {"resources", "not-sent", "bad-response"};

void AddResults(const std::vector<UpstreamTotals>& providers, Exposition& out) {
  auto& responses = out.AddCounters("dotcache_upstream_responses_total",
                                    "Responses that ended an attempt, by RCODE.");
  for (const UpstreamTotals& totals : providers) {
    for (size_t slot = 0; slot < kRcodeSlotCount; ++slot) {
      const uint64_t count = totals.Replies(slot);
      const bool usual = std::any_of(std::begin(kUsualRcodes), std::end(kUsualRcodes),
                                     [slot](Rcode rcode) { return RcodeSlot(rcode) == slot; });
      if (usual || count > 0) AddLabelled(totals, "rcode", RcodeSlotName(slot), count, responses);
    }
  }
  auto& failures = out.AddCounters(
      "dotcache_upstream_failures_total",
      "Failed attempts, by reason. Responses with an error RCODE are not counted here.");
  for (const UpstreamTotals& totals : providers) {
    for (const absl::string_view reason : FailureReasonNames()) {
      const uint64_t count = totals.Failures(reason);
      const bool rare = std::find(std::begin(kRareReasons), std::end(kRareReasons), reason) !=
                        std::end(kRareReasons);
      if (!rare || count > 0) AddLabelled(totals, "reason", reason, count, failures);
    }
  }
  auto& rejected = out.AddCounters("dotcache_upstream_rejected_responses_total",
                                   "Responses that were received but not used, by reason.");
  for (const UpstreamTotals& totals : providers) {
    for (const NamedCounter& counter : kRejections) {
      const uint64_t count = totals.Sum(counter.member);
      if (count > 0) AddLabelled(totals, "reason", counter.value, count, rejected);
    }
  }
}

void AddConnections(const std::vector<UpstreamTotals>& addresses, Exposition& out) {
  auto& up = out.AddGauges("dotcache_upstream_up",
                           "1 while at least one worker considers the server usable.");
  for (const UpstreamTotals& totals : addresses) {
    Exposition::Add(up, LabelsOf(totals), totals.Sum(&UpstreamCounters::up) > 0 ? 1 : 0);
  }
  auto& connections =
      out.AddGauges("dotcache_upstream_connections", "Open connections to the server.");
  for (const UpstreamTotals& totals : addresses) {
    Exposition::Add(connections, LabelsOf(totals),
                    static_cast<double>(totals.Sum(&UpstreamCounters::open_connections)));
  }
}

// The earliest expiry of the certificates that the addresses of a provider have shown.
void AddExpiry(const Server& server, const std::vector<UpstreamTotals>& providers,
               Exposition& out) {
  auto& expiry = out.AddGauges(
      "dotcache_upstream_certificate_expiry_timestamp_seconds",
      "Unix time at which the first certificate of the provider expires. Counts the latest "
      "certificate of each address, accepted or not. Absent before the first certificate.");
  const std::vector<UpstreamTotals> addresses = AddressTotals(server);
  for (const UpstreamTotals& provider : providers) {
    uint64_t first = 0;
    for (const UpstreamTotals& address : addresses) {
      if (address.zone != provider.zone || address.provider != provider.provider) continue;
      const uint64_t own = address.Max(&UpstreamCounters::certificate_expiry);
      if (own != 0 && (first == 0 || own < first)) first = own;
    }
    if (first != 0) Exposition::Add(expiry, LabelsOf(provider), static_cast<double>(first));
  }
}

void AddTimes(const std::vector<UpstreamTotals>& providers, Exposition& out) {
  auto& responses = out.AddHistograms(
      "dotcache_upstream_response_seconds",
      "Time from sending a query to receiving its response. Late responses are included.");
  std::vector<const DurationHistogram*> handshakes;
  for (const UpstreamTotals& totals : providers) {
    std::vector<const DurationHistogram*> parts;
    for (const auto& counters : totals.parts) {
      parts.push_back(&counters->response_time);
      handshakes.push_back(&counters->handshake_time);
    }
    Exposition::AddSum<DurationHistogram>(responses, LabelsOf(totals), parts, 1e6);
  }
  Exposition::AddSum<DurationHistogram>(
      out.AddHistograms(
          "dotcache_upstream_handshake_seconds",
          "Time from the start of a connect until the connection is ready, over all providers."),
      {}, handshakes, 1e6);
}

}  // namespace

uint64_t UpstreamTotals::Sum(Counter UpstreamCounters::*member) const {
  uint64_t sum = 0;
  for (const auto& counters : parts) sum += ((*counters).*member).value();
  return sum;
}

uint64_t UpstreamTotals::Max(Counter UpstreamCounters::*member) const {
  uint64_t max = 0;
  for (const auto& counters : parts) {
    max = std::max(max, ((*counters).*member).value());
  }
  return max;
}

uint64_t UpstreamTotals::Replies(size_t rcode_slot) const {
  uint64_t sum = 0;
  for (const auto& counters : parts) sum += counters->by_rcode[rcode_slot].value();
  return sum;
}

uint64_t UpstreamTotals::Failures(absl::string_view reason) const {
  uint64_t sum = 0;
  for (int i = 0; i < kUpstreamFailureCount; ++i) {
    if (FailureReasonName(static_cast<UpstreamFailure>(i)) != reason) continue;
    for (const auto& counters : parts) {
      sum += counters->failed_by[static_cast<size_t>(i)].value();
    }
  }
  return sum;
}

std::vector<UpstreamTotals> AddressTotals(const Server& server) {
  std::vector<UpstreamTotals> all;
  size_t index = 0;
  const auto plan = server.upstreams();
  for (const UpstreamZoneOptions& zone : plan->options.zones) {
    for (const UpstreamServerOptions& options : zone.servers) {
      UpstreamTotals totals{zone.zone.ToString(), options.provider, options.Label(), {}};
      for (const auto& of_worker : plan->counters) totals.parts.push_back(of_worker[index]);
      ++index;
      const bool is_empty_slot =
          !options.host.empty() && totals.Sum(&UpstreamCounters::present) == 0;
      if (!is_empty_slot) all.push_back(std::move(totals));
    }
  }
  return all;
}

std::vector<UpstreamTotals> ProviderTotals(const Server& server) {
  std::vector<UpstreamTotals> all;
  size_t index = 0;
  const auto plan = server.upstreams();
  for (const UpstreamZoneOptions& zone : plan->options.zones) {
    const std::string name = zone.zone.ToString();
    for (const UpstreamServerOptions& options : zone.servers) {
      auto found = std::find_if(all.begin(), all.end(), [&](const UpstreamTotals& totals) {
        return totals.zone == name && totals.provider == options.provider;
      });
      if (found == all.end()) found = all.insert(all.end(), {name, options.provider, "", {}});
      for (const auto& of_worker : plan->counters) found->parts.push_back(of_worker[index]);
      ++index;
    }
  }
  return all;
}

absl::string_view FailureReasonName(UpstreamFailure failure) {
  switch (failure) {
    case UpstreamFailure::kConnectRefused:
    case UpstreamFailure::kUnreachable:
    case UpstreamFailure::kConnectFailed:
    case UpstreamFailure::kConnectTimeout:
      return "connect";
    case UpstreamFailure::kOutOfResources:
      return "resources";
    case UpstreamFailure::kTlsTimeout:
    case UpstreamFailure::kTlsHandshake:
      return "tls";
    case UpstreamFailure::kCertificate:
    case UpstreamFailure::kClientCertificate:
      return "certificate";
    case UpstreamFailure::kConnectionLost:
      return "lost";
    case UpstreamFailure::kTimeout:
      return "timeout";
    case UpstreamFailure::kOverloaded:
    case UpstreamFailure::kLoop:
      return "not-sent";
    case UpstreamFailure::kMalformed:
    case UpstreamFailure::kNotAnAnswer:
    case UpstreamFailure::kTruncated:
    case UpstreamFailure::kServFail:
      break;
  }
  return "bad-response";
}

std::vector<absl::string_view> FailureReasonNames() {
  std::vector<absl::string_view> names;
  for (int i = 0; i < kUpstreamFailureCount; ++i) {
    const absl::string_view name = FailureReasonName(static_cast<UpstreamFailure>(i));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

void AddUpstreamMetrics(const Server& server, Exposition& out) {
  const std::vector<UpstreamTotals> providers = ProviderTotals(server);
  for (const UpstreamMetric& metric : kSums) {
    auto& family = metric.gauge ? out.AddGauges(metric.name, metric.help)
                                : out.AddCounters(metric.name, metric.help);
    for (const UpstreamTotals& totals : providers) {
      Exposition::Add(family, LabelsOf(totals), static_cast<double>(totals.Sum(metric.member)));
    }
  }
  for (const UpstreamMetric& metric : kStates) {
    auto& family = out.AddGauges(metric.name, metric.help);
    for (const UpstreamTotals& totals : providers) {
      Exposition::Add(family, LabelsOf(totals), static_cast<double>(totals.Max(metric.member)));
    }
  }
  AddResults(providers, out);
  auto& handshakes =
      out.AddCounters("dotcache_upstream_handshakes_total", "TLS handshakes, by outcome.");
  for (const UpstreamTotals& totals : providers) {
    for (const NamedCounter& counter : kHandshakes) {
      AddLabelled(totals, "outcome", counter.value, totals.Sum(counter.member), handshakes);
    }
  }
  AddConnections(AddressTotals(server), out);
  AddExpiry(server, providers, out);
  AddTimes(providers, out);
}

}  // namespace dotcache
