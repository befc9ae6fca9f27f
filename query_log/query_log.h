// SPDX-License-Identifier: Apache-2.0
// The log of queries.
#ifndef DOTCACHE_QUERY_LOG_QUERY_LOG_H_
#define DOTCACHE_QUERY_LOG_QUERY_LOG_H_

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "core/counters.h"
#include "core/line_limit.h"
#include "query_log/log_output.h"
#include "query_log/note_queue.h"
#include "query_log/pseudonyms.h"

namespace dotcache {

// Owns a thread that writes the notes of all workers. Any thread may call Reopen() and drops(); the
// owner of the server calls the others.
class QueryLog {
 public:
  // Null if the log is off. An error names the file that cannot be opened.
  static absl::StatusOr<std::unique_ptr<QueryLog>> Open(const QueryLogOptions& options,
                                                        int workers);
  ~QueryLog();  // Writes what waits and ends the thread.

  NoteQueue& queue(int worker) { return *queues_[static_cast<size_t>(worker)]; }
  void Start();
  // Opens a file again.
  void Reopen() { reopen_.store(true, std::memory_order_relaxed); }
  // Notes that were not written, because a queue was full or the output failed.
  uint64_t drops() const;

 private:
  QueryLog(const QueryLogOptions& options, std::unique_ptr<LogOutput> output, int workers);
  void Run();
  void WriteAll();
  void NoteResult(const absl::Status& status);
  void Append(const QueuedNote& queued, Duration epoch_at_boot);

  const bool is_dnstap_;
  const bool is_json_;  // Of those that are not dnstap.
  std::unique_ptr<LogOutput> output_;
  Pseudonyms pseudonyms_;
  std::vector<std::unique_ptr<NoteQueue>> queues_;
  std::vector<QueuedNote> taken_;
  std::string records_;  // That are to be written together.
  std::string record_;
  bool failing_ = false;  // The last write failed, and the log tells it.
  LineLimit lines_;
  Counter lost_;
  std::atomic<bool> reopen_{false};
  std::promise<void> end_;
  std::thread thread_;
};

}  // namespace dotcache

#endif  // DOTCACHE_QUERY_LOG_QUERY_LOG_H_
