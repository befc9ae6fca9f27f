// SPDX-License-Identifier: Apache-2.0
#include "admin/control_paths.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "admin/answer_preview.h"
#include "admin/explanation_json.h"
#include "admin/operations.h"
#include "admin/question_parameters.h"
#include "admin/status_report.h"
#include "admin/top_paths.h"
#include "answer/extended_errors.h"
#include "cache/entry_reading.h"
#include "dns/message_header.h"
#include "dns/message_text.h"
#include "dns/question.h"
#include "net/boot_clock.h"
#include "server/server.h"

namespace dotcache {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kIndent = 2;
constexpr int kBadRequest = 400;
constexpr int kNotFound = 404;
constexpr int kConflict = 409;
constexpr int kUnavailable = 503;

constexpr LogLevel kLevels[] = {LogLevel::kError, LogLevel::kWarn, LogLevel::kInfo,
                                LogLevel::kDebug};

HttpReply JsonReply(const Json& json, int status = 200) {
  // Texts of the configuration may contain octets that are not UTF-8, but JSON must be UTF-8.
  return {status, "application/json",
          json.dump(kIndent, ' ', false, Json::error_handler_t::replace) + "\n"};
}

HttpReply ErrorReply(const std::string& text, int status = kBadRequest) {
  return JsonReply({{"error", text}}, status);
}

Json StatusJson(const Server& server) {
  const StatusReport status = StatusOf(server);
  return {{"version", DOTCACHE_VERSION},
          {"ready", status.ready},
          {"last_reload_ok", status.last_reload_ok},
          {"workers", server.worker_count()},
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
          {"upstreams", status.upstreams},
          {"upstreams_up", status.upstreams_up}};
}

HttpReply Ready(const Server& server) {
  if (server.ready()) return JsonReply({{"ready", true}});
  return ErrorReply("not ready: no upstream server connected yet, or stopping", kUnavailable);
}

Json UpstreamsJson(const Server& server, const Operations& operations) {
  Json list = Json::array();
  size_t index = 0;
  const std::shared_ptr<const UpstreamPlan> plan = server.upstreams();
  for (const UpstreamZoneOptions& zone : plan->options.zones) {
    for (const UpstreamServerOptions& options : zone.servers) {
      const UpstreamStatus status = UpstreamStatusOf(*plan, index++);
      if (!status.present) continue;
      list.push_back({{"zone", zone.zone.ToString()},
                      {"provider", options.provider},
                      {"address", options.Label()},
                      {"up", status.up},
                      {"taken_out", operations.IsTakenOut(options.provider)},
                      {"connections", status.connections},
                      {"in_flight", status.in_flight},
                      {"queries", status.queries},
                      {"responses", status.responses},
                      {"failures", status.failures},
                      {"timeouts", status.timeouts}});
    }
  }
  return list;
}

HttpReply Watch(const Server& server, const Operations& operations) {
  std::vector<uint64_t> misses(DurationHistogram::kBucketCount);
  for (int worker = 0; worker < server.worker_count(); ++worker) {
    const DurationHistogram& durations = server.worker_counters(worker).miss_duration;
    for (size_t i = 0; i < misses.size(); ++i) misses[i] += durations.bucket(i);
  }
  Json json = StatusJson(server);
  const auto now = BootTime().time_since_epoch();
  json["time_us"] = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  json["miss_buckets"] = misses;
  json["servers"] = UpstreamsJson(server, operations);
  return JsonReply(json);
}

int64_t SecondsUntil(MonoTime time, MonoTime now) {
  return std::chrono::floor<Seconds>(time - now).count();
}

Json EntryJson(const Server& server, const CacheKey& key, const Peeked& peeked, MonoTime now) {
  const CacheOptions options = server.cache().options();
  const CacheEntry& entry = *peeked.entry;
  const auto age = std::chrono::floor<Seconds>(now - entry.stored_at);
  const std::string origin = OriginOf(server, entry);
  Json json = {{"state", EntryStateName(entry, now, options.stale_max_age)},
               {"kind", EntryKindName(entry.kind)},
               {"origin", origin.empty() ? Json() : Json(origin)},
               {"for_all_types", key.qtype() == QType::kNone},
               {"dnssec_ok", (key.flags() & 1) != 0},
               {"checking_disabled", (key.flags() & 2) != 0},
               {"authenticated_data", LoadHeader(entry.view().wire).Has(kFlagAd)},
               {"age_s", age.count()},
               {"fresh_for_s", SecondsUntil(entry.expires_at(), now)},
               {"hits", peeked.hits},
               {"octets", entry.charge()}};
  if (entry.is_failure()) {
    json["failures"] = entry.failures;
    json["cause"] = FailureCauseText(FailureCauseOf(entry));
  } else {
    json["refresh_failed"] = peeked.refresh_failed;
    json["stale_for_s"] = SecondsUntil(entry.expires_at() + options.stale_max_age, now);
    json["records"] = AnswerTexts(entry.view().wire);
  }
  return json;
}

HttpReply ReplyOf(const absl::StatusOr<std::string>& json) {
  if (json.ok()) return {200, "application/json", *json};
  int status = kBadRequest;
  if (absl::IsUnavailable(json.status())) status = kUnavailable;
  if (absl::IsFailedPrecondition(json.status())) status = kConflict;
  return ErrorReply(std::string(json.status().message()), status);
}

HttpReply Lookup(const Server& server, const HttpRequest& request) {
  const auto asked = ReadQuestion(request);
  if (!asked.ok()) return ErrorReply(std::string(asked.status().message()));
  const QType type = asked->type == QType::kNone ? QType::kA : asked->type;
  const ResponseCache& cache = server.cache();
  const CacheKey first({asked->name, type, QClass::kIn}, false, false, cache.seed());
  const MonoTime now = BootTime();
  Json entries = Json::array();
  for (uint8_t flags = 0; flags <= CacheKey::kMaxFlags; ++flags) {
    for (const QType each : {type, QType::kNone}) {
      const CacheKey key = first.With(each, flags);
      const Peeked peeked = cache.Peek(key);
      if (peeked.entry) entries.push_back(EntryJson(server, key, peeked, now));
    }
  }
  return JsonReply({{"name", asked->name.ToString()},
                    {"type", QTypeName(type)},
                    {"entries", std::move(entries)}});
}

HttpReply Flush(Server& server, const HttpRequest& request) {
  const auto removed = [](uint64_t count) { return JsonReply({{"removed", count}}); };
  if (request.Parameter("all").has_value()) return removed(server.cache().Clear());
  const auto asked = ReadQuestion(request);
  if (!asked.ok()) return ErrorReply(std::string(asked.status().message()));
  const bool below = request.Parameter("below").has_value();
  if (below && asked->type != QType::kNone) return ErrorReply("a subtree is flushed for all types");
  return removed(server.cache().Erase(asked->name, asked->type, below));
}

HttpReply Reload(Operations& operations) {
  const ReloadReport report = operations.Reload();
  return JsonReply({{"ok", report.errors.empty()},
                    {"errors", report.errors},
                    {"changes", report.changes},
                    {"need_restart", report.need_restart}},
                   report.errors.empty() ? 200 : kConflict);
}

HttpReply UseLogLevel(Operations& operations, const HttpRequest& request) {
  const std::string wanted = request.Parameter("level").value_or("");
  const auto* level = std::find_if(std::begin(kLevels), std::end(kLevels),
                                   [&](LogLevel each) { return LogLevelName(each) == wanted; });
  if (level == std::end(kLevels)) return ErrorReply("the levels are error, warn, info and debug");
  operations.UseLogLevel(*level);
  return JsonReply({{"level", wanted}});
}

HttpReply Drain(Operations& operations) {
  operations.Drain();
  return JsonReply({{"stopping", true}});
}

HttpReply UseProvider(Operations& operations, const HttpRequest& request, bool use) {
  const std::string provider = request.Parameter("provider").value_or("");
  const absl::Status status = operations.UseProvider(provider, use);
  if (status.ok()) return JsonReply({{"provider", provider}, {"taken_out", !use}});
  return ErrorReply(std::string(status.message()),
                    absl::IsNotFound(status) ? kNotFound : kConflict);
}

}  // namespace

std::optional<HttpReply> HandleControl(Server& server, Operations& operations,
                                       const HttpRequest& request) {
  if (request.method == "GET") {
    if (request.path == "/status") return JsonReply(StatusJson(server));
    if (request.path == "/ready") return Ready(server);
    if (request.path == "/top") return ReplyOf(TakeTop(server, request));
    if (request.path == "/watch") return Watch(server, operations);
    if (request.path == "/upstreams")
      return JsonReply({{"upstreams", UpstreamsJson(server, operations)}});
    if (request.path == "/lookup") return Lookup(server, request);
    if (request.path == "/explain")
      return ReplyOf(ExplainRequest(server, request, /*preview=*/true));
    return std::nullopt;
  }
  if (request.method != "POST") return std::nullopt;
  if (request.path == "/top") return ReplyOf(StartTop(server, request));
  if (request.path == "/flush") return Flush(server, request);
  if (request.path == "/reload") return Reload(operations);
  if (request.path == "/log-level") return UseLogLevel(operations, request);
  if (request.path == "/drain") return Drain(operations);
  if (request.path == "/take-out") return UseProvider(operations, request, /*use=*/false);
  if (request.path == "/put-back") return UseProvider(operations, request, /*use=*/true);
  return ErrorReply("there is no such command", kNotFound);
}

}  // namespace dotcache
