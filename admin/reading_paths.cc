// SPDX-License-Identifier: Apache-2.0
#include "admin/reading_paths.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "admin/explanation_json.h"
#include "admin/json_reply.h"
#include "admin/operations.h"
#include "admin/question_parameters.h"
#include "admin/status_report.h"
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

constexpr int kUnavailable = 503;

HttpReply Ready(const Server& server) {
  if (server.ready()) return JsonReply({{"ready", true}});
  return ErrorReply(std::string(kNotReadyText), kUnavailable);
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

}  // namespace

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

Json UpstreamsJson(const Server& server, const Operations* operations) {
  Json list = Json::array();
  size_t index = 0;
  const std::shared_ptr<const UpstreamPlan> plan = server.upstreams();
  for (const UpstreamZoneOptions& zone : plan->options.zones) {
    for (const UpstreamServerOptions& options : zone.servers) {
      const UpstreamStatus status = UpstreamStatusOf(*plan, index++);
      if (!status.present) continue;
      list.push_back(
          {{"zone", zone.zone.ToString()},
           {"provider", options.provider},
           {"address", options.Label()},
           {"up", status.up},
           {"taken_out", operations != nullptr && operations->IsTakenOut(options.provider)},
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

std::optional<HttpReply> HandleReading(const Server& server, const Operations* operations,
                                       const HttpRequest& request) {
  if (request.path == "/status") return JsonReply(StatusJson(server));
  if (request.path == "/ready") return Ready(server);
  if (request.path == "/upstreams") {
    return JsonReply({{"upstreams", UpstreamsJson(server, operations)}});
  }
  if (request.path == "/lookup") return Lookup(server, request);
  if (request.path == "/explain") return ReplyOf(ExplainRequest(server, request));
  return std::nullopt;
}

}  // namespace dotcache
