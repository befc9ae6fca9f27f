// SPDX-License-Identifier: Apache-2.0
#include "admin/control_paths.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "admin/json_reply.h"
#include "admin/operations.h"
#include "admin/question_parameters.h"
#include "admin/reading_paths.h"
#include "admin/top_paths.h"
#include "net/boot_clock.h"
#include "server/server.h"

namespace dotcache {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kNotFound = 404;
constexpr int kConflict = 409;

constexpr LogLevel kLevels[] = {LogLevel::kError, LogLevel::kWarn, LogLevel::kInfo,
                                LogLevel::kDebug};

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
  json["servers"] = UpstreamsJson(server, &operations);
  return JsonReply(json);
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
    if (request.path == "/top") return ReplyOf(TakeTop(server, request));
    if (request.path == "/watch") return Watch(server, operations);
    return HandleReading(server, &operations, request);
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
