// SPDX-License-Identifier: Apache-2.0
#include "cmd/service_manager.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "net/unique_fd.h"

namespace dotcache {
namespace {

template <typename Number>
std::optional<Number> NumberIn(const std::optional<std::string>& text) {
  Number number = 0;
  if (!text.has_value() || !absl::SimpleAtoi(*text, &number)) return std::nullopt;
  return number;
}

}  // namespace

ServiceManager::ServiceManager(Variable variable, int process_id)
    : socket_path_(variable("NOTIFY_SOCKET").value_or("")) {
  const auto interval_us = NumberIn<int64_t>(variable("WATCHDOG_USEC"));
  const auto watched = NumberIn<int>(variable("WATCHDOG_PID"));
  if (!interval_us.has_value() || *interval_us <= 0) return;
  if (watched.has_value() && *watched != process_id) return;
  // Half of the time, as sd_watchdog_enabled(3) recommends.
  watchdog_interval_ =
      std::chrono::duration_cast<Milliseconds>(std::chrono::microseconds(*interval_us) / 2);
}

void ServiceManager::Ready(absl::string_view status) const {
  Send(absl::StrCat("READY=1\nSTATUS=", status));
}

void ServiceManager::Reloading() const { Send("RELOADING=1\nSTATUS=Reloading"); }

void ServiceManager::Stopping() const { Send("STOPPING=1\nSTATUS=Stopping"); }

void ServiceManager::Alive() const { Send("WATCHDOG=1"); }

// Best effort: without the message the service manager acts as if the process had not sent it.
void ServiceManager::Send(const std::string& message) const {
  sockaddr_un address{};
  if (socket_path_.empty() || socket_path_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_path_.data(), socket_path_.size());
  const bool is_abstract = socket_path_.front() == '@';
  if (is_abstract) address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path_.size() +
                                           (is_abstract ? 0 : 1));
  const UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return;
  sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL,
         reinterpret_cast<const sockaddr*>(&address), size);
}

bool StandardErrorIsJournal(ServiceManager::Variable variable) {
  const std::optional<std::string> stream = variable("JOURNAL_STREAM");
  struct stat status = {};
  if (!stream.has_value() || fstat(STDERR_FILENO, &status) != 0) return false;
  return *stream == absl::StrCat(status.st_dev, ":", status.st_ino);
}

}  // namespace dotcache
