// SPDX-License-Identifier: Apache-2.0
#include "admin/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "server/server.h"

namespace dotcache {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// Collects metric families and writes them as text.
class Exposition {
 public:
  // Adds a family. The reference is valid until the next call.
  MetricFamily& Family(const std::string& name, MetricType type, const std::string& help) {
    families_.push_back({name, help, type, {}});
    return families_.back();
  }

  void Counter(const std::string& name, const std::string& help, uint64_t value) {
    Add(Family(name, MetricType::Counter, help), {}, value);
  }

  void Gauge(const std::string& name, const std::string& help, uint64_t value) {
    Add(Family(name, MetricType::Gauge, help), {}, value);
  }

  static void Add(MetricFamily& family, Labels labels, uint64_t value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (family.type == MetricType::Counter) {
      metric.counter.value = static_cast<double>(value);
    } else {
      metric.gauge.value = static_cast<double>(value);
    }
    family.metric.push_back(std::move(metric));
  }

  static void AddHistogram(MetricFamily& family, Labels labels,
                           const std::vector<const DurationHistogram*>& parts) {
    ClientMetric metric;
    metric.label = std::move(labels);
    uint64_t count = 0;
    uint64_t sum_us = 0;
    for (const DurationHistogram* part : parts) sum_us += part->sum_us();
    for (size_t i = 0; i < DurationHistogram::kBucketCount; ++i) {
      for (const DurationHistogram* part : parts) count += part->bucket(i);
      if (i == DurationHistogram::kBoundsMs.size()) continue;  // The serializer adds "+Inf".
      metric.histogram.bucket.push_back({count, DurationHistogram::kBoundsMs[i] / 1e3});
    }
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = static_cast<double>(sum_us) / 1e6;
    family.metric.push_back(std::move(metric));
  }

  std::string Render() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  std::vector<MetricFamily> families_;
};

// Returns the sum of one counter over all workers.
uint64_t Sum(const Server& server,
             absl::FunctionRef<const Counter&(const WorkerCounters&)> counter) {
  uint64_t sum = 0;
  for (int i = 0; i < server.worker_count(); ++i) sum += counter(server.worker_counters(i)).value();
  return sum;
}

// Adds one sample for each counter of an array. The label is the name of its index.
template <typename Index, size_t kCount>
void AddEach(const Server& server, MetricFamily& family, const std::string& label,
             absl::string_view (*name)(Index),
             std::array<Counter, kCount> WorkerCounters::*counters) {
  for (size_t i = 0; i < kCount; ++i) {
    Exposition::Add(
        family, {{label, std::string(name(static_cast<Index>(i)))}},
        Sum(server, [&](const WorkerCounters& c) -> const Counter& { return (c.*counters)[i]; }));
  }
}

void AddQueryMetrics(const Server& server, Exposition& out) {
  AddEach(server,
          out.Family("dotcache_queries_total", MetricType::Counter,
                     "Messages received from clients, by transport."),
          "transport", &TransportName, &WorkerCounters::queries);
  MetricFamily& responses = out.Family("dotcache_responses_total", MetricType::Counter,
                                       "Replies sent to clients, by RCODE.");
  for (const Named<Rcode>& row : kRcodeNames) {
    Exposition::Add(responses, {{"rcode", std::string(row.name)}},
                    Sum(server, [rcode = row.value](const WorkerCounters& c) -> const Counter& {
                      return c.responses[static_cast<size_t>(rcode)];
                    }));
  }
  AddEach(server,
          out.Family("dotcache_rejected_queries_total", MetricType::Counter,
                     "Messages that were not served, by reason."),
          "reason", &RejectionReasonName, &WorkerCounters::rejections);
  AddEach(server,
          out.Family("dotcache_limit_rejections_total", MetricType::Counter,
                     "Queries refused and connections closed at a limit, by limit."),
          "limit", &LimitName, &WorkerCounters::limit_rejections);
}

struct WorkerMetric {
  const char* name;
  const char* help;
  Counter WorkerCounters::*member;
  bool gauge = false;
};
constexpr WorkerMetric kWorkerMetrics[] = {
    {"dotcache_cache_hits_total", "Queries answered with fresh data from the cache.",
     &WorkerCounters::cache_hits},
    {"dotcache_cache_misses_total",
     "Queries that the cache could not answer: forwarded, joined to an exchange in progress, or "
     "refused.",
     &WorkerCounters::cache_misses},
    {"dotcache_cache_nxdomain_hits_total",
     "Cache hits on an NXDOMAIN that holds for all types of its name.",
     &WorkerCounters::nxdomain_hits},
    {"dotcache_stale_answers_total", "Replies with stale data.", &WorkerCounters::stale_answers},
    {"dotcache_cached_failures_total", "Queries answered from a cached failure.",
     &WorkerCounters::failure_hits},
    {"dotcache_prefetches_total", "Refreshes begun for data that was still fresh.",
     &WorkerCounters::prefetches},
    {"dotcache_failed_refreshes_total",
     "Exchanges that failed although their data is in the cache.",
     &WorkerCounters::failed_refreshes},
    {"dotcache_local_answers_total",
     "Queries answered locally: special-use zones, CHAOS names, minimal answers to ANY.",
     &WorkerCounters::local_answers},
    {"dotcache_local_record_answers_total", "Queries answered from local records.",
     &WorkerCounters::local_record_answers},
    {"dotcache_coalesced_queries_total",
     "Queries that joined an exchange in progress, or came just after it.",
     &WorkerCounters::coalesced_queries},
    {"dotcache_handed_queries_total", "Cache misses handed to the worker that owns their names.",
     &WorkerCounters::handed_queries},
    {"dotcache_refused_clients_total", "Queries and connections that access rules refuse.",
     &WorkerCounters::refused_clients},
    {"dotcache_dropped_clients_total", "Queries and connections that an access rule drops.",
     &WorkerCounters::dropped_clients},
    {"dotcache_udp_send_drops_total", "UDP replies that the kernel did not accept.",
     &WorkerCounters::udp_send_drops},
    {"dotcache_truncated_replies_total", "Replies sent with TC set.",
     &WorkerCounters::truncated_replies},
    {"dotcache_stream_connections_total", "TCP and DoT client connections accepted.",
     &WorkerCounters::stream_connections_total},
    {"dotcache_network_changes_total",
     "Changed routes to upstream servers, and resumes after a suspend.",
     &WorkerCounters::network_changes},
    {"dotcache_stream_connections", "Open TCP and DoT client connections.",
     &WorkerCounters::stream_connections, true},
    {"dotcache_pending_queries", "Exchanges in progress.", &WorkerCounters::pending_queries, true},
};

void AddWorkerMetrics(const Server& server, Exposition& out) {
  for (const WorkerMetric& metric : kWorkerMetrics) {
    const uint64_t value =
        Sum(server, [&](const WorkerCounters& c) -> const Counter& { return c.*metric.member; });
    metric.gauge ? out.Gauge(metric.name, metric.help, value)
                 : out.Counter(metric.name, metric.help, value);
  }
  std::vector<const DurationHistogram*> parts;
  for (int i = 0; i < server.worker_count(); ++i) {
    parts.push_back(&server.worker_counters(i).miss_duration);
  }
  Exposition::AddHistogram(
      out.Family(
          "dotcache_miss_duration_seconds", MetricType::Histogram,
          "Time from a query's arrival to its reply, for queries that waited for an exchange."),
      {}, parts);
}

void AddReloadMetrics(const Server& server, Exposition& out) {
  MetricFamily& reloads =
      out.Family("dotcache_credential_reloads_total", MetricType::Counter,
                 "Attempts to read changed certificate, key, CA and pins files, by result.");
  const CredentialStore& credentials = server.credentials();
  Exposition::Add(reloads, {{"result", "ok"}}, credentials.reloads().value());
  Exposition::Add(reloads, {{"result", "error"}}, credentials.failed_reloads().value());
  out.Gauge("dotcache_config_last_reload_successful", "1 unless the last reload failed.",
            server.last_reload_ok() ? 1 : 0);
  MetricFamily& configs = out.Family("dotcache_config_reloads_total", MetricType::Counter,
                                     "Reloads of the configuration, by result.");
  Exposition::Add(configs, {{"result", "ok"}}, server.reloads(true));
  Exposition::Add(configs, {{"result", "error"}}, server.reloads(false));
  MetricFamily& snapshots = out.Family("dotcache_snapshots_total", MetricType::Counter,
                                       "Snapshots of the cache, by result.");
  Exposition::Add(snapshots, {{"result", "ok"}}, server.snapshot().written(true));
  Exposition::Add(snapshots, {{"result", "error"}}, server.snapshot().written(false));
  out.Counter("dotcache_query_log_drops_total", "Records of the query log that were not written.",
              server.query_log_drops());
}

void AddCacheMetrics(const Server& server, Exposition& out) {
  const CacheStats stats = server.cache().Stats();
  out.Gauge("dotcache_cache_entries", "Responses in the cache.", stats.entries);
  out.Gauge("dotcache_cache_bytes", "Memory charged for cached responses.", stats.bytes);
  out.Gauge("dotcache_cache_budget_bytes", "Memory that cached responses may use.",
            stats.budget_bytes);
  out.Counter("dotcache_cache_insertions_total", "Responses put into the cache.", stats.insertions);
  out.Counter("dotcache_cache_evictions_total",
              "Fresh responses removed to make room for newer ones.", stats.evictions);
  out.Counter("dotcache_cache_expirations_total", "Responses removed after they had expired.",
              stats.expirations);
}

// The counters that all workers have for one upstream server.
struct UpstreamTotals {
  Labels labels;
  std::vector<std::shared_ptr<const UpstreamCounters>> workers;

  uint64_t Sum(Counter UpstreamCounters::*member) const {
    uint64_t sum = 0;
    for (const auto& counters : workers) sum += ((*counters).*member).value();
    return sum;
  }

  uint64_t Max(Counter UpstreamCounters::*member) const {
    uint64_t max = 0;
    for (const auto& counters : workers) {
      max = std::max(max, ((*counters).*member).value());
    }
    return max;
  }

  std::vector<const DurationHistogram*> Parts(DurationHistogram UpstreamCounters::*member) const {
    std::vector<const DurationHistogram*> parts;
    for (const auto& counters : workers) parts.push_back(&((*counters).*member));
    return parts;
  }
};

std::vector<UpstreamTotals> CollectUpstreams(const Server& server) {
  std::vector<UpstreamTotals> all;
  size_t index = 0;
  const auto plan = server.upstreams();
  for (const UpstreamZoneOptions& zone : plan->options.zones) {
    for (const UpstreamServerOptions& options : zone.servers) {
      UpstreamTotals totals;
      totals.labels = {{"zone", zone.zone.ToString()},
                       {"provider", options.provider},
                       {"address", options.Label()}};
      for (const auto& of_worker : plan->counters) totals.workers.push_back(of_worker[index]);
      ++index;
      const bool is_empty_slot =
          !options.host.empty() && totals.Sum(&UpstreamCounters::present) == 0;
      if (is_empty_slot) continue;
      all.push_back(std::move(totals));
    }
  }
  return all;
}

struct UpstreamMetric {
  const char* name;
  MetricType type;
  const char* help;
  Counter UpstreamCounters::*member;
};
constexpr UpstreamMetric kUpstreamMetrics[] = {
    {"dotcache_upstream_queries_total", MetricType::Counter, "Queries sent to the server.",
     &UpstreamCounters::queries},
    {"dotcache_upstream_responses_total", MetricType::Counter, "Usable responses received.",
     &UpstreamCounters::responses},
    {"dotcache_upstream_failures_total", MetricType::Counter, "Attempts that failed.",
     &UpstreamCounters::failures},
    {"dotcache_upstream_given_up_total", MetricType::Counter,
     "Attempts without a result when their exchange ended. Queries = responses + failures + these, "
     "at rest.",
     &UpstreamCounters::given_up},
    {"dotcache_upstream_late_responses_total", MetricType::Counter,
     "Responses that came after their exchange had ended.", &UpstreamCounters::late},
    {"dotcache_upstream_timeouts_total", MetricType::Counter,
     "Attempts without a response in time. A late response may have followed.",
     &UpstreamCounters::timeouts},
    {"dotcache_upstream_hedges_total", MetricType::Counter,
     "Queries sent to this server because another server was slow to respond.",
     &UpstreamCounters::hedges},
    {"dotcache_upstream_stalls_total", MetricType::Counter,
     "Connections on which no data was received while queries waited.", &UpstreamCounters::stalls},
    {"dotcache_upstream_connections", MetricType::Gauge, "Open connections to the server.",
     &UpstreamCounters::open_connections},
    {"dotcache_upstream_in_flight", MetricType::Gauge, "Queries that wait for a response.",
     &UpstreamCounters::in_flight},
    {"dotcache_upstream_erring", MetricType::Gauge,
     "1 while the provider of the server answers with errors that other providers do not have. It "
     "is queried last then.",
     &UpstreamCounters::erring},
    {"dotcache_upstream_loops", MetricType::Gauge,
     "1 while queries sent to the server come back (a forwarding loop). The server is not used "
     "then.",
     &UpstreamCounters::loops},
};

// One value of a label. It distinguishes the counters of one metric.
struct LabelledCounter {
  const char* value;
  Counter UpstreamCounters::*member;
};
constexpr LabelledCounter kRejections[] = {
    {"not-ours", &UpstreamCounters::mismatched},
    {"malformed", &UpstreamCounters::malformed},
    {"not-an-answer", &UpstreamCounters::not_an_answer},
    {"truncated", &UpstreamCounters::truncated},
    {"error", &UpstreamCounters::error_responses},
};
constexpr LabelledCounter kHandshakes[] = {
    {"full", &UpstreamCounters::full_handshakes},
    {"resumed", &UpstreamCounters::resumed_handshakes},
    {"failed", &UpstreamCounters::failed_handshakes},
};

void AddByLabel(const std::vector<UpstreamTotals>& upstreams, const char* label,
                absl::Span<const LabelledCounter> counters, MetricFamily& family) {
  for (const LabelledCounter& counter : counters) {
    for (const UpstreamTotals& totals : upstreams) {
      Labels labels = totals.labels;
      labels.push_back({label, counter.value});
      Exposition::Add(family, std::move(labels), totals.Sum(counter.member));
    }
  }
}

void AddUpstreamMetrics(const Server& server, Exposition& out) {
  const std::vector<UpstreamTotals> upstreams = CollectUpstreams(server);
  for (const UpstreamMetric& metric : kUpstreamMetrics) {
    MetricFamily& family = out.Family(metric.name, metric.type, metric.help);
    for (const UpstreamTotals& totals : upstreams) {
      Exposition::Add(family, totals.labels, totals.Sum(metric.member));
    }
  }
  MetricFamily& up = out.Family("dotcache_upstream_up", MetricType::Gauge,
                                "1 while at least one worker considers the server usable.");
  for (const UpstreamTotals& totals : upstreams) {
    Exposition::Add(up, totals.labels, totals.Sum(&UpstreamCounters::up) > 0 ? 1 : 0);
  }
  MetricFamily& expiry = out.Family(
      "dotcache_upstream_certificate_expiry_timestamp_seconds", MetricType::Gauge,
      "Unix time at which the latest certificate expires that the server has shown, even "
      "if it was not accepted. Absent before the first.");
  for (const UpstreamTotals& totals : upstreams) {
    const uint64_t latest = totals.Max(&UpstreamCounters::certificate_expiry);
    if (latest != 0) Exposition::Add(expiry, totals.labels, latest);
  }
  AddByLabel(upstreams, "reason", kRejections,
             out.Family("dotcache_upstream_rejected_responses_total", MetricType::Counter,
                        "Responses that were received but not used, by reason."));
  AddByLabel(upstreams, "outcome", kHandshakes,
             out.Family("dotcache_upstream_handshakes_total", MetricType::Counter,
                        "TLS handshakes, by outcome."));
  for (const auto& [name, help, member] :
       {std::tuple("dotcache_upstream_response_seconds",
                   "Time from sending a query to receiving its response.",
                   &UpstreamCounters::response_time),
        std::tuple("dotcache_upstream_handshake_seconds",
                   "Time from the start of a connect to the ready connection.",
                   &UpstreamCounters::handshake_time)}) {
    MetricFamily& family = out.Family(name, MetricType::Histogram, help);
    for (const UpstreamTotals& totals : upstreams) {
      Exposition::AddHistogram(family, totals.labels, totals.Parts(member));
    }
  }
}

}  // namespace

std::string RenderMetrics(const Server& server, uint64_t allocated_bytes) {
  Exposition out;
  Exposition::Add(out.Family("dotcache_build_info", MetricType::Gauge,
                             "Always 1, with the version as a label."),
                  {{"version", DOTCACHE_VERSION}}, 1);
  AddQueryMetrics(server, out);
  AddWorkerMetrics(server, out);
  AddReloadMetrics(server, out);
  AddCacheMetrics(server, out);
  AddUpstreamMetrics(server, out);
  out.Gauge("dotcache_memory_allocated_bytes",
            "Memory in use, measured at most ten seconds ago. Resident memory also includes code, "
            "stacks and free memory that the allocator keeps.",
            allocated_bytes);
  return out.Render();
}

}  // namespace dotcache
