// SPDX-License-Identifier: Apache-2.0
#include "admin/watch_view.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/counters.h"

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
  for (size_t i = 0; i < counts.size() && i < DurationHistogram::kBounds.size(); ++i) {
    below += counts[i];
    if (static_cast<double>(below) >= share * static_cast<double>(total)) {
      return absl::StrCat("<", DurationHistogram::kBounds[i] / 1000, " ms");
    }
  }
  return ">10 s";
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

std::string StateOf(const Json& server) {
  if (server.value("taken_out", false)) return "taken out";
  return server.value("up", false) ? "up" : "down";
}

std::string ServerLine(const Json& server, const Json& old, double seconds) {
  const auto rate = [&](const char* key) {
    return Rate(Number(server, key), Number(old, key), seconds);
  };
  return absl::StrFormat("%-9s  %9s  %9s  %9s  %7d  %s %s", StateOf(server), rate("queries"),
                         rate("failures"), rate("timeouts"), Number(server, "in_flight"),
                         server.value("provider", ""), server.value("address", ""));
}

}  // namespace

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
  const Json& servers = now["servers"];
  for (size_t i = 0; i < servers.size(); ++i) {
    const Json& server = servers[i];
    const bool same = i < old["servers"].size() &&
                      old["servers"][i].value("address", "") == server.value("address", "");
    std::string line =
        Cut(same ? ServerLine(server, old["servers"][i], seconds) : ServerLine(server, server, 0));
    if (colour_) {
      const std::string state = StateOf(server);
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
