// SPDX-License-Identifier: Apache-2.0
// Replies in JSON.
#ifndef DOTCACHE_ADMIN_JSON_REPLY_H_
#define DOTCACHE_ADMIN_JSON_REPLY_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "admin/http_message.h"

namespace dotcache {

// Texts of the configuration may contain octets that are not UTF-8. They become replacement
// characters, because JSON must be UTF-8.
HttpReply JsonReply(const nlohmann::ordered_json& json, int status = 200);

// {"error": TEXT}.
HttpReply ErrorReply(const std::string& text, int status = 400);

// `json` as it is. An error gets 503 for kUnavailable, 409 for kFailedPrecondition, otherwise 400.
HttpReply ReplyOf(const absl::StatusOr<std::string>& json);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_JSON_REPLY_H_
