// SPDX-License-Identifier: Apache-2.0
// HTTP requests and replies, as far as this folder uses them.
#ifndef DOTCACHE_ADMIN_HTTP_MESSAGE_H_
#define DOTCACHE_ADMIN_HTTP_MESSAGE_H_

#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace dotcache {

struct HttpRequest {
  absl::string_view method;
  absl::string_view path;
  std::map<std::string, std::string> parameters = {};    // Of the query string.
  std::optional<absl::string_view> host = std::nullopt;  // The Host header.

  bool wants_json = false;  // The Accept header names JSON.

  // The value of a parameter, or std::nullopt without it.
  std::optional<std::string> Parameter(const std::string& name) const;
};

struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_HTTP_MESSAGE_H_
