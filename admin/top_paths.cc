// SPDX-License-Identifier: Apache-2.0
#include "admin/top_paths.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "answer/top_queries.h"
#include "core/status_macros.h"
#include "net/boot_clock.h"
#include "server/server.h"

namespace dotcache {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDefaultSeconds = 5;
constexpr int kDefaultLimit = 20;

std::optional<TopQueries::By> ParseBy(const std::string& text) {
  if (text == "names") return TopQueries::By::kNames;
  if (text == "clients") return TopQueries::By::kClients;
  if (text == "types") return TopQueries::By::kTypes;
  return std::nullopt;
}

absl::StatusOr<int> ReadNumber(const HttpRequest& request, const char* name, int value, int most) {
  const std::optional<std::string> text = request.Parameter(name);
  if (!text.has_value()) return value;
  if (!absl::SimpleAtoi(*text, &value) || value < 1 || value > most) {
    return absl::InvalidArgumentError(absl::StrCat(name, " must be 1 to ", most));
  }
  return value;
}

std::string Text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

absl::StatusOr<std::string> StartTop(Server& server, const HttpRequest& request) {
  const std::string by = request.Parameter("by").value_or("names");
  const std::optional<TopQueries::By> parsed = ParseBy(by);
  if (!parsed.has_value()) {
    return absl::InvalidArgumentError("the measurements are names, clients and types");
  }
  ASSIGN_OR_RETURN(const int seconds, ReadNumber(request, "seconds", kDefaultSeconds,
                                                 static_cast<int>(TopQueries::kLongest.count())));
  if (!server.top().Start(*parsed, Seconds(seconds), BootTime())) {
    return absl::FailedPreconditionError("another measurement goes on");
  }
  return Text({{"by", by}, {"seconds", seconds}});
}

absl::StatusOr<std::string> TakeTop(Server& server, const HttpRequest& request) {
  ASSIGN_OR_RETURN(const int limit, ReadNumber(request, "limit", kDefaultLimit,
                                               static_cast<int>(TopQueries::kCounters)));
  if (!request.Parameter("end").has_value() && server.top().RunsAt(BootTime())) {
    return absl::FailedPreconditionError("the measurement goes on");
  }
  const TopQueries::Result result = server.top().Take(static_cast<size_t>(limit));
  Json items = Json::array();
  for (const FrequentKeys::Item& item : result.items) {
    const double percent =
        100.0 * static_cast<double>(item.count) / static_cast<double>(result.queries);
    items.push_back({{"queries", item.count},
                     {"at_least", item.count - item.error},
                     {"percent", static_cast<double>(static_cast<int>(percent * 10)) / 10},
                     {"key", item.key}});
  }
  return Text({{"queries", result.queries}, {"top", std::move(items)}});
}

}  // namespace dotcache
