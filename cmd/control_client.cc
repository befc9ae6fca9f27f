// SPDX-License-Identifier: Apache-2.0
#include "cmd/control_client.h"

#include <sys/socket.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/status_macros.h"
#include "net/unix_socket.h"

namespace dotcache {
namespace {

std::string Escaped(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("-._~", c)) {
      out.push_back(c);
    } else {
      absl::StrAppendFormat(&out, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// Reads "HTTP/1.1 200 OK ... <empty line> BODY".
absl::StatusOr<ControlReply> ParseReply(absl::string_view text) {
  ControlReply reply;
  const size_t end = text.find("\r\n\r\n");
  const size_t space = text.find(' ');
  if (end == absl::string_view::npos || space > end ||
      !absl::SimpleAtoi(text.substr(space + 1, 3), &reply.status)) {
    return absl::DataLossError("the server closed the connection without a reply");
  }
  reply.body = std::string(text.substr(end + 4));
  return reply;
}

}  // namespace

std::string TargetOf(absl::string_view path,
                     const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string target(path);
  const char* separator = "?";
  for (const auto& [name, value] : parameters) {
    absl::StrAppend(&target, separator, name, "=", Escaped(value));
    separator = "&";
  }
  return target;
}

absl::StatusOr<ControlReply> SendControl(const std::string& path, absl::string_view method,
                                         absl::string_view target) {
  ASSIGN_OR_RETURN(const UniqueFd fd, ConnectUnix(path));
  const std::string request = absl::StrCat(method, " ", target, " HTTP/1.0\r\n\r\n");
  // The request fits into the socket's buffer.
  if (send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return absl::UnavailableError("the request could not be sent");
  }
  std::string received;
  char piece[4096];
  for (;;) {
    const ssize_t size = recv(fd.get(), piece, sizeof piece, 0);
    if (size < 0 && errno == EAGAIN) {
      return absl::DeadlineExceededError(absl::StrCat(path, ": the server does not reply"));
    }
    if (size < 0) return absl::UnavailableError("the wait for the reply was interrupted");
    if (size == 0) break;
    received.append(piece, static_cast<size_t>(size));
  }
  return ParseReply(received);
}

}  // namespace dotcache
