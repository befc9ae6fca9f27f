// SPDX-License-Identifier: Apache-2.0
#include "admin/watch_view.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "admin/operations.h"
#include "admin/status_report.h"
#include "net/boot_clock.h"
#include "server/server.h"

namespace dotcache {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kGreen[] = "\x1b[32m";
constexpr char kYellow[] = "\x1b[33m";
constexpr char kRed[] = "\x1b[31m";
constexpr char kPlain[] = "\x1b[0m";

uint64_t Number(const Json& json, const char* key) { return json.value(key, uint64_t{0}); }

// "12.3", or "-" without a time to divide by.
std::string Rate(uint64_t now, uint64_t before, double seconds) {
  if (seconds <= 0 || now < before) return "-";
  return absl::StrFormat("%.1f", static_cast<double>(now - before) / seconds);
}

// The bound in milliseconds below which this share of the durations is, from the counts of buckets.
std::string BoundOf(double share, const std::vector<uint64_t>& counts) {
  uint64_t total = 0;
  for (const uint64_t count : counts) total += count;
  if (total == 0) return "-";
  uint64_t below = 0;
  for (size_t i = 0; i < counts.size() && i < DurationHistogram::kBoundsMs.size(); ++i) {
    below += counts[i];
    if (static_cast<double>(below) >= share * static_cast<double>(total)) {
      return absl::StrCat("<", DurationHistogram::kBoundsMs[i], " ms");
    }
  }
  return ">10 s";
}

Json UpstreamsJson(const Server& server, const Operations& operations) {
  Json list = Json::array();
  for (size_t i = 0; i < server.upstream_servers().size(); ++i) {
    const UpstreamServerOptions& options = server.upstream_servers()[i];
    const UpstreamStatus status = UpstreamStatusOf(server, i);
    if (!status.present) continue;
    const bool out = operations.IsTakenOut(options.provider);
    list.push_back({{"provider", options.provider},
                    {"address", options.Label()},
                    {"state", out         ? "taken out"
                              : status.up ? "up"
                                          : "down"},
                    {"queries", status.queries},
                    {"failures", status.failures},
                    {"timeouts", status.timeouts},
                    {"in_flight", status.in_flight}});
  }
  return list;
}

// The lines about the whole server.
std::vector<std::string> Summary(const Json& now, const Json& old, double seconds) {
  const auto rate = [&](const char* key) {
    return Rate(Number(now, key), Number(old, key), seconds);
  };
  const auto hits = static_cast<double>(Number(now, "cache_hits") - Number(old, "cache_hits"));
  const auto misses =
      static_cast<double>(Number(now, "cache_misses") - Number(old, "cache_misses"));
  const std::string ratio =
      hits + misses == 0 ? "-" : absl::StrFormat("%.1f %%", 100 * hits / (hits + misses));
  auto buckets = now.value("miss_buckets", std::vector<uint64_t>());
  const auto old_buckets = old.value("miss_buckets", std::vector<uint64_t>());
  for (size_t i = 0; i < std::min(buckets.size(), old_buckets.size()); ++i) {
    buckets[i] -= old_buckets[i];
  }
  constexpr double kMiB = 1 << 20;
  return {absl::StrFormat("dotcache %s  %s", now.value("version", ""),
                          now.value("ready", false) ? "ready" : "not ready"),
          absl::StrFormat("queries/s %s  hits %s  misses/s %s  stale/s %s  SERVFAIL/s %s",
                          rate("queries"), ratio, rate("cache_misses"), rate("stale_answers"),
                          rate("servfail")),
          absl::StrFormat("misses: 50 %% %s  95 %% %s  99 %% %s  waiting %d  connections %d",
                          BoundOf(0.5, buckets), BoundOf(0.95, buckets), BoundOf(0.99, buckets),
                          Number(now, "pending_queries"), Number(now, "stream_connections")),
          absl::StrFormat("cache: %d entries, %.1f of %.1f MiB", Number(now, "cache_entries"),
                          static_cast<double>(Number(now, "cache_bytes")) / kMiB,
                          static_cast<double>(Number(now, "cache_budget_bytes")) / kMiB)};
}

std::string ServerLine(const Json& server, const Json& old, double seconds) {
  const auto rate = [&](const char* key) {
    return Rate(Number(server, key), Number(old, key), seconds);
  };
  return absl::StrFormat("%-9s  %9s  %9s  %9s  %7d  %s %s", server.value("state", ""),
                         rate("queries"), rate("failures"), rate("timeouts"),
                         Number(server, "in_flight"), server.value("provider", ""),
                         server.value("address", ""));
}

}  // namespace

HttpReply WatchReply(const Server& server, const Operations& operations) {
  const StatusReport status = StatusOf(server);
  std::vector<uint64_t> misses(DurationHistogram::kBucketCount);
  uint64_t miss_us = 0;
  for (int worker = 0; worker < server.worker_count(); ++worker) {
    const DurationHistogram& durations = server.worker_counters(worker).miss_duration;
    for (size_t i = 0; i < misses.size(); ++i) misses[i] += durations.bucket(i);
    miss_us += durations.sum_us();
  }
  const auto now_us =
      std::chrono::duration_cast<std::chrono::microseconds>(BootTime().time_since_epoch());
  const Json json = {{"version", DOTCACHE_VERSION},
                     {"time_us", now_us.count()},
                     {"ready", status.ready},
                     {"queries", status.queries},
                     {"cache_hits", status.cache_hits},
                     {"cache_misses", status.cache_misses},
                     {"stale_answers", status.stale_answers},
                     {"servfail", status.servfail},
                     {"pending_queries", status.pending_queries},
                     {"stream_connections", status.stream_connections},
                     {"cache_entries", status.cache.entries},
                     {"cache_bytes", status.cache.bytes},
                     {"cache_budget_bytes", status.cache.budget_bytes},
                     {"miss_us", miss_us},
                     {"miss_buckets", misses},
                     {"upstreams", UpstreamsJson(server, operations)}};
  return {200, "application/json", json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"};
}

struct WatchView::Reply {
  Json json;
};

WatchView::WatchView(size_t width, bool colour) : width_(width), colour_(colour) {}

WatchView::~WatchView() = default;

std::string WatchView::Cut(const std::string& text) const {
  return absl::StrCat(absl::string_view(text).substr(0, width_), "\n");
}

std::string WatchView::Render(absl::string_view reply) {
  Json now = Json::parse(reply.begin(), reply.end(), nullptr, /*allow_exceptions=*/false);
  if (!now.is_object()) return Cut(std::string(reply));
  // Without a reply before, and after a restart of the server, there are no rates.
  const bool is_first =
      before_ == nullptr || Number(before_->json, "queries") > Number(now, "queries");
  const Json& old = is_first ? now : before_->json;
  const double seconds = static_cast<double>(Number(now, "time_us") - Number(old, "time_us")) / 1e6;
  std::string out;
  for (const std::string& line : Summary(now, old, seconds)) out += Cut(line);
  out += "\n";
  out += Cut(absl::StrFormat("%-9s  %9s  %9s  %9s  %7s  %s", "STATE", "QUERIES/S", "FAILED/S",
                             "LATE/S", "WAITING", "PROVIDER"));
  const Json& servers = now["upstreams"];
  for (size_t i = 0; i < servers.size(); ++i) {
    const Json& server = servers[i];
    const bool same = i < old["upstreams"].size() &&
                      old["upstreams"][i].value("address", "") == server.value("address", "");
    std::string line = Cut(same ? ServerLine(server, old["upstreams"][i], seconds)
                                : ServerLine(server, server, 0));
    if (colour_) {
      const std::string state = server.value("state", "");
      const char* colour = state == "up" ? kGreen : state == "down" ? kRed : kYellow;
      line.insert(std::min(state.size(), width_), kPlain);
      line.insert(0, colour);
    }
    out += line;
  }
  before_ = std::make_unique<Reply>(Reply{std::move(now)});
  return out;
}

}  // namespace dotcache
