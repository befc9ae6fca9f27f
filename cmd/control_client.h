// SPDX-License-Identifier: Apache-2.0
// The client's side of the control socket.
#ifndef DOTCACHE_CMD_CONTROL_CLIENT_H_
#define DOTCACHE_CMD_CONTROL_CLIENT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dotcache {

struct ControlReply {
  int status = 0;  // Of HTTP.
  std::string body;
};

// "/flush?name=www.example&type=A", with the parameters escaped as RFC 3986 section 2.1 says.
std::string TargetOf(absl::string_view path,
                     const std::vector<std::pair<std::string, std::string>>& parameters);

// Sends one request to the socket at `path` and waits for the reply. An error means that there was
// no reply. A signal with a handler ends the wait.
absl::StatusOr<ControlReply> SendControl(const std::string& path, absl::string_view method,
                                         absl::string_view target);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_CONTROL_CLIENT_H_
