// SPDX-License-Identifier: Apache-2.0
#include "admin/http_message.h"

namespace dotcache {

std::optional<std::string> HttpRequest::Parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace dotcache
