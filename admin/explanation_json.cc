// SPDX-License-Identifier: Apache-2.0
#include "admin/explanation_json.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/status/status.h"
#include "admin/question_parameters.h"
#include "cache/cache_key.h"
#include "core/status_macros.h"
#include "net/boot_clock.h"
#include "server/server.h"

namespace dotcache {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kIndent = 2;

Json Ms(std::optional<Duration> duration) {
  if (!duration.has_value()) return nullptr;
  // Rounded to microseconds, so that the JSON shows few decimals.
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(*duration).count();
  return static_cast<double>(us) / 1000;
}

Json Text(absl::string_view text) { return text.empty() ? Json(nullptr) : Json(std::string(text)); }

Json ServerJson(const ServerExplanation& server) {
  return {{"provider", server.provider},
          {"address", server.address},
          {"transport", std::string(server.transport)},
          {"state", std::string(server.state)},
          {"why", server.why},
          {"connections", server.connections},
          {"in_flight", server.in_flight},
          {"failures_in_row", server.failures_in_row},
          {"last_failure", Text(server.last_failure)},
          {"last_cause", Text(server.last_cause)},
          {"last_failure_ago_ms", Ms(server.last_failure_ago)},
          {"response_time_ms", Ms(server.response_time)},
          {"slow_response_time_ms", Ms(server.slow_response_time)},
          {"next_probe_in_ms", Ms(server.next_probe_in)}};
}

}  // namespace

absl::StatusOr<std::string> ExplainRequest(const Server& server, const HttpRequest& request) {
  ASSIGN_OR_RETURN(const QuestionParameters asked, ReadQuestion(request));
  const Question question = {asked.name, asked.type == QType::kNone ? QType::kA : asked.type,
                             QClass::kIn};
  const std::optional<NameExplanation> explanation = server.Explain(asked.name);
  if (!explanation.has_value()) {
    return absl::UnavailableError("the server has not started, or is stopping");
  }
  const uint8_t flags = request.Parameter("dnssec").has_value() ? CacheKey::kDnssecOk : 0;
  const AnswerPreview answer = PreviewAnswer(server, question, flags, BootTime());
  return RenderExplanation(question, &answer, *explanation);
}

std::string RenderExplanation(const Question& question, const AnswerPreview* preview,
                              const NameExplanation& explanation) {
  Json servers = Json::array();
  for (const ServerExplanation& server : explanation.servers) servers.push_back(ServerJson(server));
  Json json = {{"name", question.qname.ToString()}, {"type", QTypeName(question.qtype)}};
  if (preview != nullptr) {
    json["answer_from"] = std::string(preview->from);
    json["why"] = preview->why;
  }
  json["zone"] = explanation.zone;
  json["policy"] = std::string(explanation.policy);
  json["hedge_after_ms"] = explanation.hedges ? Ms(explanation.hedge_after) : Json(nullptr);
  json["servers"] = std::move(servers);
  // `why` may contain octets that are not UTF-8, but JSON must be UTF-8.
  return json.dump(kIndent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace dotcache
