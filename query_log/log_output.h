// SPDX-License-Identifier: Apache-2.0
// The file, stream or socket that gets the query log.
#ifndef DOTCACHE_QUERY_LOG_LOG_OUTPUT_H_
#define DOTCACHE_QUERY_LOG_LOG_OUTPUT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/clock.h"
#include "net/unique_fd.h"
#include "query_log/query_log_options.h"

namespace dotcache {

// Bound to one thread at a time. A write to a reader takes two times kPatience at most, so a slow
// reader delays a stop no longer.
class LogOutput {
 public:
  static constexpr Milliseconds kPatience{500};
  static constexpr Seconds kRetry{1};

  // Opens a file: an error names it. A socket is connected by Write().
  static absl::StatusOr<std::unique_ptr<LogOutput>> Open(const QueryLogTarget& target);
  ~LogOutput();  // Ends a stream of frames.
  LogOutput(const LogOutput&) = delete;
  LogOutput& operator=(const LogOutput&) = delete;

  // Writes whole lines or frames. An error means that they are lost, at least in part. A file of
  // lines that was renamed or removed is opened again before.
  absl::Status Write(absl::string_view records, MonoTime now);

  // Opens a file again before the next Write(); one of dnstap only if it was renamed or removed.
  void Reopen() { reopen_ = true; }

 private:
  explicit LogOutput(const QueryLogTarget& target) : target_(target) {}

  absl::Status OpenFile();
  absl::Status Connect();
  absl::Status ReadControl(int fd) const;
  bool HasMoved() const;
  void End();
  bool IsToBeOpened();
  absl::Status Send(absl::string_view octets) const { return SendTo(fd_.get(), octets); }
  absl::Status SendTo(int fd, absl::string_view octets) const;
  bool is_file() const {
    return target_.kind == QueryLogTarget::Kind::kFile ||
           target_.kind == QueryLogTarget::Kind::kDnstapFile;
  }

  const QueryLogTarget target_;
  UniqueFd fd_;
  bool reopen_ = false;
  MonoTime next_try_;  // Of the connection.
  MonoTime deadline_;  // Of the write.
};

}  // namespace dotcache

#endif  // DOTCACHE_QUERY_LOG_LOG_OUTPUT_H_
