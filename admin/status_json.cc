// SPDX-License-Identifier: Apache-2.0
#include "admin/status_json.h"

#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/functional/function_ref.h"
#include "admin/explanation_json.h"
#include "admin/limit_levels.h"
#include "admin/process_stats.h"
#include "admin/upstream_metrics.h"
#include "net/boot_clock.h"
#include "server/server.h"

namespace dotcache {
namespace {

using Json = nlohmann::ordered_json;

uint64_t Sum(const Server& server, absl::FunctionRef<uint64_t(const WorkerCounters&)> value) {
  uint64_t sum = 0;
  for (int i = 0; i < server.worker_count(); ++i) sum += value(server.worker_counters(i));
  return sum;
}

// The sums of an array of counters, by the name of the index. Without those that are 0.
template <typename Index, size_t kCount>
Json ByName(const Server& server, absl::string_view (*name)(Index),
            std::array<Counter, kCount> WorkerCounters::*counters) {
  Json json = Json::object();
  for (size_t i = 0; i < kCount; ++i) {
    const uint64_t count =
        Sum(server, [&](const WorkerCounters& worker) { return (worker.*counters)[i].value(); });
    if (count > 0) json[std::string(name(static_cast<Index>(i)))] = count;
  }
  return json;
}

Json Replies(const Server& server) {
  Json by_rcode = Json::object();
  for (const auto& [rcode, name] : kRcodeNames) {
    const uint64_t count = Sum(
        server, [rcode = rcode](const WorkerCounters& worker) { return worker.Replies(rcode); });
    if (count > 0) by_rcode[std::string(name)] = count;
  }
  return by_rcode;
}

// Bounds in seconds, and one count more than bounds.
template <typename Histogram>
Json HistogramJson(const std::vector<const Histogram*>& parts) {
  Json bounds = Json::array();
  Json counts = Json::array();
  for (const uint64_t bound : Histogram::kBounds)
    bounds.push_back(static_cast<double>(bound) / 1e6);
  for (size_t i = 0; i < Histogram::kBucketCount; ++i) {
    uint64_t count = 0;
    for (const Histogram* part : parts) count += part->bucket(i);
    counts.push_back(count);
  }
  return {{"bounds_s", std::move(bounds)}, {"counts", std::move(counts)}};
}

template <typename Histogram>
Json WorkersHistogram(const Server& server, Histogram WorkerCounters::*member) {
  std::vector<const Histogram*> parts;
  for (int i = 0; i < server.worker_count(); ++i) {
    parts.push_back(&(server.worker_counters(i).*member));
  }
  return HistogramJson(parts);
}

Json Limits(const Server& server, const CacheStats& cache) {
  Json limits = Json::array();
  const auto add = [&limits](absl::string_view name, uint64_t used, uint64_t bound) {
    limits.push_back({{"limit", std::string(name)}, {"used", used}, {"bound", bound}});
  };
  for (const LimitLevel& level : LimitLevels(server)) {
    add(LimitName(level.limit), level.used, level.bound);
  }
  const ProcessStats process = ReadProcessStats();
  add("descriptors", process.open_descriptors, process.max_descriptors);
  add("cache", cache.bytes, cache.budget_bytes);
  return limits;
}

Json ProviderJson(const UpstreamTotals& totals) {
  Json responses = Json::object();
  for (size_t slot = 0; slot < kRcodeSlotCount; ++slot) {
    const uint64_t count = totals.Replies(slot);
    if (count > 0) responses[std::string(RcodeSlotName(slot))] = count;
  }
  Json failures = Json::object();
  for (const absl::string_view reason : FailureReasonNames()) {
    const uint64_t count = totals.Failures(reason);
    if (count > 0) failures[std::string(reason)] = count;
  }
  std::vector<const DurationHistogram*> times;
  for (const auto& counters : totals.parts) times.push_back(&counters->response_time);
  return {{"zone", totals.zone},
          {"provider", totals.provider},
          {"queries", totals.Sum(&UpstreamCounters::queries)},
          {"responses", std::move(responses)},
          {"failures", std::move(failures)},
          {"given_up", totals.Sum(&UpstreamCounters::given_up)},
          {"late", totals.Sum(&UpstreamCounters::late)},
          {"erring", totals.Max(&UpstreamCounters::erring) > 0},
          {"loops", totals.Max(&UpstreamCounters::loops) > 0},
          {"response_times", HistogramJson(times)}};
}

Json ServerJson(const UpstreamTotals& totals) {
  return {{"zone", totals.zone},
          {"provider", totals.provider},
          {"address", totals.address},
          {"up", totals.Sum(&UpstreamCounters::up) > 0},
          {"connections", totals.Sum(&UpstreamCounters::open_connections)},
          {"in_flight", totals.Sum(&UpstreamCounters::in_flight)},
          {"queries", totals.Sum(&UpstreamCounters::queries)},
          {"responses", totals.Sum(&UpstreamCounters::responses)},
          {"failures", totals.Sum(&UpstreamCounters::failures)},
          {"timeouts", totals.Sum(&UpstreamCounters::timeouts)},
          {"loops", totals.Max(&UpstreamCounters::loops) > 0},
          {"certificate_expires", totals.Max(&UpstreamCounters::certificate_expiry)}};
}

template <typename Function>
Json Each(const std::vector<UpstreamTotals>& all, Function to_json) {
  Json list = Json::array();
  for (const UpstreamTotals& totals : all) list.push_back(to_json(totals));
  return list;
}

// The health of the servers of each zone, with the reason in words.
Json Zones(const Server& server) {
  Json zones = Json::array();
  const auto plan = server.upstreams();
  for (const UpstreamZoneOptions& zone : plan->options.zones) {
    if (zone.servers.empty()) continue;
    const std::optional<NameExplanation> explanation = server.Explain(zone.zone);
    if (!explanation.has_value()) continue;
    zones.push_back(Json::parse(
        RenderExplanation({zone.zone, QType::kNs, QClass::kIn}, nullptr, *explanation)));
  }
  return zones;
}

}  // namespace

std::string RenderStatus(const Server& server) {
  const CacheStats cache = server.cache().Stats();
  const auto sum = [&server](Counter WorkerCounters::*member) {
    return Sum(server, [member](const WorkerCounters& worker) { return (worker.*member).value(); });
  };
  const int64_t now = UnixTime();
  const Json json = {
      {"version", DOTCACHE_VERSION},
      {"time", now},
      {"uptime_s", now - static_cast<int64_t>(ReadProcessStats().start_time)},
      {"ready", server.ready()},
      {"last_reload_ok", server.last_reload_ok()},
      {"workers", server.worker_count()},
      {"queries", ByName(server, &TransportName, &WorkerCounters::queries)},
      {"replies", Replies(server)},
      {"cache",
       {{"hits", sum(&WorkerCounters::cache_hits)},
        {"misses", sum(&WorkerCounters::cache_misses)},
        {"stale", sum(&WorkerCounters::stale_answers)},
        {"remembered_failures", sum(&WorkerCounters::failure_hits)},
        {"local", sum(&WorkerCounters::local_answers) + sum(&WorkerCounters::local_record_answers)},
        {"entries", cache.entries},
        {"bytes", cache.bytes},
        {"budget_bytes", cache.budget_bytes}}},
      {"query_times", WorkersHistogram(server, &WorkerCounters::query_duration)},
      {"miss_times", WorkersHistogram(server, &WorkerCounters::miss_duration)},
      {"servfail", ByName(server, &ServFailCauseName, &WorkerCounters::servfail)},
      {"rejections", ByName(server, &RejectionReasonName, &WorkerCounters::rejections)},
      {"refused_clients", sum(&WorkerCounters::refused_clients)},
      {"limit_rejections", ByName(server, &LimitName, &WorkerCounters::limit_rejections)},
      {"limits", Limits(server, cache)},
      {"providers", Each(ProviderTotals(server), &ProviderJson)},
      {"servers", Each(AddressTotals(server), &ServerJson)},
      {"zones", Zones(server)}};
  // Names of providers may contain octets that are not UTF-8, but JSON must be UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace dotcache
