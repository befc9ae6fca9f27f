// SPDX-License-Identifier: Apache-2.0
#include "admin/metrics.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "admin/exposition.h"
#include "admin/limit_levels.h"
#include "admin/process_stats.h"
#include "admin/upstream_metrics.h"
#include "server/server.h"

namespace dotcache {
namespace {

using Family = Exposition::Family;

// Returns the sum of one counter over all workers.
uint64_t Sum(const Server& server,
             absl::FunctionRef<const Counter&(const WorkerCounters&)> counter) {
  uint64_t sum = 0;
  for (int i = 0; i < server.worker_count(); ++i) sum += counter(server.worker_counters(i)).value();
  return sum;
}

// Adds one sample for each counter of an array. The label is the name of its index.
template <typename Index, size_t kCount>
void AddEach(const Server& server, Family& family, const std::string& label,
             absl::string_view (*name)(Index),
             std::array<Counter, kCount> WorkerCounters::*counters) {
  for (size_t i = 0; i < kCount; ++i) {
    Exposition::Add(family, {{label, std::string(name(static_cast<Index>(i)))}},
                    static_cast<double>(Sum(server, [&](const WorkerCounters& c) -> const Counter& {
                      return (c.*counters)[i];
                    })));
  }
}

bool HasDotListener(const Server& server) {
  const auto& listeners = server.listeners();
  return std::any_of(listeners.begin(), listeners.end(), [](const ListenOptions& listen) {
    return listen.transport == Transport::kDot;
  });
}

// The RCODEs that an origin has from the start. Samples of others begin when they are counted.
bool IsUsual(const Server& server, const ReplyOrigin& origin, size_t slot) {
  if (origin.private_zone && server.upstreams()->options.zones.size() == 1) return false;
  switch (origin.source) {
    case ReplySource::kRefused:
      return slot == RcodeSlot(Rcode::kRefused) && !origin.private_zone;
    case ReplySource::kFailure:
      return slot == RcodeSlot(Rcode::kServFail);
    case ReplySource::kStale:
      return false;
    case ReplySource::kLocal:
      if (origin.private_zone) return false;
      break;
    case ReplySource::kHit:
    case ReplySource::kMiss:
      break;
  }
  return slot == RcodeSlot(Rcode::kNoError) || slot == RcodeSlot(Rcode::kNxDomain);
}

// Most queries come over UDP, so fewer samples exist from the start for other transports.
bool IsUsualOverStream(const ReplyOrigin& origin, size_t slot) {
  const bool from_upstream =
      origin.source == ReplySource::kHit || origin.source == ReplySource::kMiss;
  return from_upstream && slot == RcodeSlot(Rcode::kNoError);
}

void AddRepliesFrom(const Server& server, const ReplyOrigin& origin, Family& family) {
  const bool has_dot = HasDotListener(server);
  const bool has_zone =
      origin.source != ReplySource::kLocal && origin.source != ReplySource::kRefused;
  for (const auto& [transport, transport_name] : kTransportNames) {
    for (size_t slot = 0; slot < kRcodeSlotCount; ++slot) {
      const uint64_t count =
          Sum(server, [&, transport = transport](const WorkerCounters& c) -> const Counter& {
            return c.responses[PlaceOf(origin)][static_cast<size_t>(transport)][slot];
          });
      const bool usual = IsUsual(server, origin, slot) &&
                         (has_dot || transport != Transport::kDot) &&
                         (transport == Transport::kUdp || IsUsualOverStream(origin, slot));
      if (count == 0 && !usual) continue;
      MetricLabels labels = {{"rcode", std::string(RcodeSlotName(slot))},
                             {"transport", std::string(transport_name)},
                             {"source", std::string(NameOf(kReplySourceNames, origin.source, ""))}};
      if (has_zone) labels.push_back({"zone_kind", origin.private_zone ? "private" : "default"});
      Exposition::Add(family, std::move(labels), static_cast<double>(count));
    }
  }
}

void AddReplies(const Server& server, Exposition& out) {
  Family& family = out.AddCounters(
      "dotcache_responses_total",
      "Replies to clients, by RCODE, transport, source of the answer and kind of its zone.");
  for (size_t place = 0; place < kReplyOriginCount; ++place) {
    AddRepliesFrom(server, OriginAt(place), family);
  }
}

absl::string_view TypeNameOf(size_t slot) { return TypeSlotName(slot); }

void AddQueryMetrics(const Server& server, Exposition& out) {
  AddEach(
      server,
      out.AddCounters("dotcache_queries_total", "Messages received from clients, by transport."),
      "transport", &TransportName, &WorkerCounters::queries);
  AddEach(server,
          out.AddCounters("dotcache_query_types_total",
                          "Well-formed queries, by type. All types without a sample of their own "
                          "are counted as \"other\"."),
          "type", &TypeNameOf, &WorkerCounters::query_types);
  AddReplies(server, out);
  AddEach(
      server,
      out.AddCounters("dotcache_servfail_replies_total", "SERVFAIL replies to clients, by cause."),
      "cause", &ServFailCauseName, &WorkerCounters::servfail);
  Family& rejections = out.AddCounters("dotcache_rejected_queries_total",
                                       "Messages from clients that were not served, by reason.");
  for (size_t i = 0; i < kRejectionReasonCount; ++i) {
    const uint64_t count =
        Sum(server, [i](const WorkerCounters& c) -> const Counter& { return c.rejections[i]; });
    if (count == 0) continue;  // A sample begins when it is counted.
    Exposition::Add(rejections,
                    {{"reason", std::string(RejectionReasonName(static_cast<RejectionReason>(i)))}},
                    static_cast<double>(count));
  }
  AddEach(server,
          out.AddCounters("dotcache_limit_rejections_total",
                          "Queries and connections rejected at a limit, by limit."),
          "limit", &LimitName, &WorkerCounters::limit_rejections);
}

// The sum of a histogram over all workers.
template <typename Histogram>
void AddHistogram(const Server& server, Family& family, Histogram WorkerCounters::*member,
                  double unit) {
  std::vector<const Histogram*> parts;
  for (int i = 0; i < server.worker_count(); ++i) {
    parts.push_back(&(server.worker_counters(i).*member));
  }
  Exposition::AddSum<Histogram>(family, {}, parts, unit);
}

void AddHistograms(const Server& server, Exposition& out) {
  AddHistogram(
      server,
      out.AddHistograms(
          "dotcache_query_duration_seconds",
          "Time from a query's arrival to its reply. The times of immediate replies are sampled."),
      &WorkerCounters::query_duration, 1e6);
  AddHistogram(server,
               out.AddHistograms("dotcache_miss_duration_seconds",
                                 "Time from a query's arrival to its reply, for queries that "
                                 "waited for an exchange."),
               &WorkerCounters::miss_duration, 1e6);
  AddHistogram(server,
               out.AddHistograms("dotcache_query_size_bytes", "Sizes of clients' messages."),
               &WorkerCounters::query_sizes, 1);
  AddHistogram(server, out.AddHistograms("dotcache_reply_size_bytes", "Sizes of replies."),
               &WorkerCounters::reply_sizes, 1);
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
     "Queries that the cache could not answer. Each one waits for an exchange, or is rejected.",
     &WorkerCounters::cache_misses},
    {"dotcache_cache_nxdomain_hits_total",
     "Cache hits on an NXDOMAIN entry that answers all types of its name.",
     &WorkerCounters::nxdomain_hits},
    {"dotcache_stale_answers_total", "Replies with stale data.", &WorkerCounters::stale_answers},
    {"dotcache_cached_failures_total", "Queries answered from a cached failure.",
     &WorkerCounters::failure_hits},
    {"dotcache_prefetches_total", "Refreshes that began before the data expired.",
     &WorkerCounters::prefetches},
    {"dotcache_failed_refreshes_total",
     "Failed exchanges for questions whose data is in the cache.",
     &WorkerCounters::failed_refreshes},
    {"dotcache_local_answers_total",
     "Queries answered locally: special-use zones, CHAOS names, minimal answers to ANY.",
     &WorkerCounters::local_answers},
    {"dotcache_local_record_answers_total", "Queries answered from local records.",
     &WorkerCounters::local_record_answers},
    {"dotcache_coalesced_queries_total",
     "Queries that shared the exchange of an earlier query for the same question.",
     &WorkerCounters::coalesced_queries},
    {"dotcache_handed_queries_total",
     "Cache misses that one worker handed to the worker that owns the name.",
     &WorkerCounters::handed_queries},
    {"dotcache_refused_clients_total",
     "Queries and connections that access rules refuse, or that no rule allows.",
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
     "Changes of the route to an upstream server, and resumes of the machine.",
     &WorkerCounters::network_changes},
    {"dotcache_stream_connections", "Open TCP and DoT client connections.",
     &WorkerCounters::stream_connections, true},
    {"dotcache_pending_queries", "Exchanges in progress.", &WorkerCounters::pending_queries, true},
};

void AddWorkerMetrics(const Server& server, Exposition& out) {
  for (const WorkerMetric& metric : kWorkerMetrics) {
    const auto value = static_cast<double>(
        Sum(server, [&](const WorkerCounters& c) -> const Counter& { return c.*metric.member; }));
    metric.gauge ? out.Gauge(metric.name, metric.help, value)
                 : out.Counter(metric.name, metric.help, value);
  }
}

// How near the limits are to their bounds. The cache has metrics of its own.
void AddLimits(const Server& server, Exposition& out) {
  const std::vector<LimitLevel> levels = LimitLevels(server);
  Family& used = out.AddGauges("dotcache_limit_used", "Current use of a limit, by limit.");
  for (const LimitLevel& level : levels) {
    Exposition::Add(used, {{"limit", std::string(LimitName(level.limit))}},
                    static_cast<double>(level.used));
  }
  Family& bounds =
      out.AddGauges("dotcache_limit_bound", "Highest possible use of a limit, by limit.");
  for (const LimitLevel& level : levels) {
    Exposition::Add(bounds, {{"limit", std::string(LimitName(level.limit))}},
                    static_cast<double>(level.bound));
  }
}

void AddReloadMetrics(const Server& server, Exposition& out) {
  Family& reloads =
      out.AddCounters("dotcache_credential_reloads_total",
                      "Attempts to read changed certificate, key, CA and pins files, by result.");
  const CredentialStore& credentials = server.credentials();
  Exposition::Add(reloads, {{"result", "ok"}}, static_cast<double>(credentials.reloads().value()));
  Exposition::Add(reloads, {{"result", "error"}},
                  static_cast<double>(credentials.failed_reloads().value()));
  out.Gauge("dotcache_config_last_reload_successful",
            "0 if the last reload of the configuration failed, else 1.",
            server.last_reload_ok() ? 1 : 0);
  Family& configs =
      out.AddCounters("dotcache_config_reloads_total", "Reloads of the configuration, by result.");
  Exposition::Add(configs, {{"result", "ok"}}, static_cast<double>(server.reloads(true)));
  Exposition::Add(configs, {{"result", "error"}}, static_cast<double>(server.reloads(false)));
  Family& expiry = out.AddGauges("dotcache_listener_certificate_expiry_timestamp_seconds",
                                 "Unix time at which the certificate chain of the DoT listeners "
                                 "expires. Absent without a DoT listener.");
  if (const uint64_t time = credentials.listen_expiry().value(); time != 0) {
    Exposition::Add(expiry, {}, static_cast<double>(time));
  }
  Family& snapshots = out.AddCounters("dotcache_snapshots_total",
                                      "Attempts to write a snapshot of the cache, by result.");
  Exposition::Add(snapshots, {{"result", "ok"}},
                  static_cast<double>(server.snapshot().written(true)));
  Exposition::Add(snapshots, {{"result", "error"}},
                  static_cast<double>(server.snapshot().written(false)));
  out.Counter("dotcache_query_log_drops_total", "Records of the query log that were not written.",
              static_cast<double>(server.query_log_drops()));
}

void AddListeners(const Server& server, Exposition& out) {
  Family& bound = out.AddGauges("dotcache_listener_bound",
                                "1 while this machine has the address of the listener.");
  for (const ListenOptions& listener : server.listeners()) {
    const std::string name =
        absl::StrCat(TransportName(listener.transport), "://", listener.endpoint.ToString());
    Exposition::Add(bound, {{"listener", name}}, server.addresses().Has(listener) ? 1 : 0);
  }
}

void AddCacheMetrics(const Server& server, Exposition& out) {
  const CacheStats stats = server.cache().Stats();
  out.Gauge("dotcache_cache_entries", "Responses in the cache.",
            static_cast<double>(stats.entries));
  out.Gauge("dotcache_cache_bytes", "Memory that cached responses use.",
            static_cast<double>(stats.bytes));
  out.Gauge("dotcache_cache_budget_bytes", "Memory that cached responses may use.",
            static_cast<double>(stats.budget_bytes));
  out.Counter("dotcache_cache_insertions_total", "Responses put into the cache.",
              static_cast<double>(stats.insertions));
  out.Counter("dotcache_cache_evictions_total",
              "Fresh responses removed to make room for newer ones.",
              static_cast<double>(stats.evictions));
  out.Counter("dotcache_cache_expirations_total", "Expired responses that were removed.",
              static_cast<double>(stats.expirations));
}

void AddProcessMetrics(uint64_t allocated_bytes, Exposition& out) {
  const ProcessStats stats = ReadProcessStats();
  out.Counter("process_cpu_seconds_total", "CPU time of the process, in seconds.",
              stats.cpu_seconds);
  const auto gauge = [&out](const char* name, const char* help, uint64_t value) {
    out.Gauge(name, help, static_cast<double>(value));
  };
  gauge("process_resident_memory_bytes", "Resident memory of the process.", stats.resident_bytes);
  gauge("process_virtual_memory_bytes", "Address space of the process.", stats.virtual_bytes);
  gauge("process_open_fds", "Open file descriptors.", stats.open_descriptors);
  gauge("process_max_fds", "Limit of open file descriptors.", stats.max_descriptors);
  gauge("process_start_time_seconds", "Unix time at which the process started.", stats.start_time);
  gauge("dotcache_memory_allocated_bytes",
        "Memory in use, measured at most ten seconds ago. Resident memory also includes code, "
        "stacks and free memory of the allocator.",
        allocated_bytes);
}

}  // namespace

std::string RenderMetrics(const Server& server, uint64_t allocated_bytes) {
  Exposition out;
  Exposition::Add(out.AddGauges("dotcache_build_info", "Always 1, with the version as a label."),
                  {{"version", DOTCACHE_VERSION}}, 1);
  out.Gauge("dotcache_ready", "1 while /ready returns 200.", server.ready() ? 1 : 0);
  AddQueryMetrics(server, out);
  AddWorkerMetrics(server, out);
  AddHistograms(server, out);
  AddLimits(server, out);
  AddListeners(server, out);
  AddReloadMetrics(server, out);
  AddCacheMetrics(server, out);
  AddUpstreamMetrics(server, out);
  AddProcessMetrics(allocated_bytes, out);
  return out.Render();
}

}  // namespace dotcache
