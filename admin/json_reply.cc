// SPDX-License-Identifier: Apache-2.0
#include "admin/json_reply.h"

#include "absl/status/status.h"

namespace dotcache {

HttpReply JsonReply(const nlohmann::ordered_json& json, int status) {
  constexpr int kIndent = 2;
  return {status, "application/json",
          json.dump(kIndent, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"};
}

HttpReply ErrorReply(const std::string& text, int status) {
  return JsonReply({{"error", text}}, status);
}

HttpReply ReplyOf(const absl::StatusOr<std::string>& json) {
  if (json.ok()) return {200, "application/json", *json};
  int status = 400;
  if (absl::IsUnavailable(json.status())) status = 503;
  if (absl::IsFailedPrecondition(json.status())) status = 409;
  return ErrorReply(std::string(json.status().message()), status);
}

}  // namespace dotcache
