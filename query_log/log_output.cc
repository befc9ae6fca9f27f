// SPDX-License-Identifier: Apache-2.0
#include "query_log/log_output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/bytes.h"
#include "core/log.h"
#include "core/status_macros.h"
#include "net/boot_clock.h"
#include "query_log/frame_stream.h"

namespace dotcache {
namespace {

// A pipe takes this many octets at once if it takes any (PIPE_BUF).
constexpr size_t kPieceSize = 4096;
constexpr mode_t kFileMode = S_IRUSR | S_IWUSR;

absl::Status Failed(absl::string_view step, const std::string& path) {
  const int code = errno;
  return absl::ErrnoToStatus(code,
                             absl::StrCat("cannot ", step, " ", path, ": ", std::strerror(code)));
}

bool AwaitReady(int fd, short events) {
  pollfd waiting = {fd, events, 0};
  return poll(&waiting, 1, static_cast<int>(LogOutput::kPatience.count())) == 1;
}

absl::Status ReadAll(int fd, char* data, size_t size) {
  for (size_t done = 0; done < size;) {
    if (!AwaitReady(fd, POLLIN)) return absl::DeadlineExceededError("the reader does not reply");
    const ssize_t count = read(fd, data + done, size - done);
    if (count <= 0) return absl::UnavailableError("the reader closed the connection");
    done += static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogOutput>> LogOutput::Open(const QueryLogTarget& target) {
  std::unique_ptr<LogOutput> output(new LogOutput(target));
  if (target.kind == QueryLogTarget::Kind::kStdout) {
    output->fd_ = UniqueFd(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  } else if (output->is_file()) {
    RETURN_IF_ERROR(output->OpenFile());
    // The start may have rights that the process gives up.
    if (access(target.path.c_str(), W_OK) != 0) {
      Log(LogLevel::kWarn, "the user cannot open the query log again",
          {{"file", target.path}, {"cause", std::strerror(errno)}});
    }
  } else if (target.path.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat(target.path, ": the path is too long"));
  }
  return output;
}

LogOutput::~LogOutput() { End(); }

absl::Status LogOutput::OpenFile() {
  const bool is_dnstap = target_.is_dnstap();
  // Frames of two streams cannot be read from one file.
  if (is_dnstap) rename(target_.path.c_str(), absl::StrCat(target_.path, ".old").c_str());
  // O_NONBLOCK: a pipe must block neither the start nor the writer.
  const int flags =
      O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (is_dnstap ? O_TRUNC : O_APPEND);
  UniqueFd fd(open(target_.path.c_str(), flags, kFileMode));
  if (!fd.valid()) return Failed("open", target_.path);
  struct stat found = {};
  if (fstat(fd.get(), &found) != 0 || !S_ISREG(found.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(target_.path, " is not a regular file"));
  }
  End();
  fd_ = std::move(fd);
  return is_dnstap ? Send(FormatControl(FrameControl::kStart)) : absl::OkStatus();
}

// A file that this user cannot see counts as not moved.
bool LogOutput::HasMoved() const {
  struct stat ours = {};
  struct stat there = {};
  if (fstat(fd_.get(), &ours) != 0) return true;
  if (stat(target_.path.c_str(), &there) != 0) return errno == ENOENT;
  return ours.st_ino != there.st_ino || ours.st_dev != there.st_dev;
}

absl::Status LogOutput::Connect() {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return Failed("open a socket for", target_.path);
  const timeval patience = {0, std::chrono::microseconds(kPatience).count()};
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  target_.path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return Failed("connect to", target_.path);
  }
  RETURN_IF_ERROR(SendTo(fd.get(), FormatControl(FrameControl::kReady)));
  RETURN_IF_ERROR(ReadControl(fd.get()));
  RETURN_IF_ERROR(SendTo(fd.get(), FormatControl(FrameControl::kStart)));
  fd_ = std::move(fd);
  return absl::OkStatus();
}

// Reads the kAccept of the reader.
absl::Status LogOutput::ReadControl(int fd) const {
  std::array<char, 8> lengths = {};
  RETURN_IF_ERROR(ReadAll(fd, lengths.data(), lengths.size()));
  const auto* octets = reinterpret_cast<const uint8_t*>(lengths.data());
  std::array<char, kMaxControlFrame> frame = {};
  const size_t size = LoadU32(octets + 4);
  if (LoadU32(octets) != 0 || size > frame.size()) {
    return absl::InvalidArgumentError(absl::StrCat(target_.path, " is no reader of dnstap"));
  }
  RETURN_IF_ERROR(ReadAll(fd, frame.data(), size));
  if (IsControl({frame.data(), size}, FrameControl::kAccept)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(target_.path, " does not accept dnstap"));
}

// Lines follow a file that was renamed. A dnstap file is one stream, and another instance may have
// renamed it, so it follows after Reopen() only. After an error it also waits for that: a file that
// is opened again takes the place of the data before the error.
bool LogOutput::IsToBeOpened() {
  const bool reopen = std::exchange(reopen_, false);
  if (!fd_.valid()) return reopen || !target_.is_dnstap();
  return target_.is_dnstap() ? reopen && HasMoved() : reopen || HasMoved();
}

absl::Status LogOutput::Write(absl::string_view records, MonoTime now) {
  deadline_ = BootTime() + kPatience;
  if (is_file() && IsToBeOpened()) RETURN_IF_ERROR(OpenFile());
  if (is_file() && !fd_.valid()) {
    return absl::FailedPreconditionError(
        absl::StrCat(target_.path, " had an error; SIGHUP opens it again"));
  }
  if (target_.kind == QueryLogTarget::Kind::kDnstapUnix && !fd_.valid()) {
    if (now < next_try_) return absl::UnavailableError(absl::StrCat("no reader at ", target_.path));
    next_try_ = now + kRetry;
    RETURN_IF_ERROR(Connect());
  }
  absl::Status status = Send(records);
  // A part of a frame may have been sent.
  if (!status.ok() && target_.is_dnstap()) fd_.reset();
  return status;
}

absl::Status LogOutput::SendTo(int fd, absl::string_view octets) const {
  while (!octets.empty()) {
    if (!is_file() && (BootTime() > deadline_ || !AwaitReady(fd, POLLOUT))) {
      return absl::DeadlineExceededError("the reader is too slow");
    }
    const size_t size = std::min(octets.size(), kPieceSize);
    const ssize_t written = write(fd, octets.data(), size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Failed("write to", target_.path.empty() ? "stdout" : target_.path);
    octets.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

void LogOutput::End() {
  if (!fd_.valid()) return;
  deadline_ = BootTime() + kPatience;
  if (target_.is_dnstap()) Send(FormatControl(FrameControl::kStop)).IgnoreError();
  if (target_.kind == QueryLogTarget::Kind::kDnstapUnix) {
    shutdown(fd_.get(), SHUT_WR);
    // The reader's kFinish shows that it has read everything. Closing earlier may lose the rest.
    std::array<char, kMaxControlFrame> finish = {};
    if (AwaitReady(fd_.get(), POLLIN)) {
      [[maybe_unused]] const ssize_t count = read(fd_.get(), finish.data(), finish.size());
    }
  }
  fd_.reset();
}

}  // namespace dotcache
