// SPDX-License-Identifier: Apache-2.0
#include "query_log/query_log.h"

#include <chrono>
#include <utility>

#include "core/log.h"
#include "core/status_macros.h"
#include "net/boot_clock.h"
#include "query_log/dnstap_message.h"
#include "query_log/frame_stream.h"
#include "query_log/query_json.h"
#include "query_log/query_line.h"

namespace dotcache {
namespace {

constexpr Milliseconds kWriteInterval{50};

}  // namespace

absl::StatusOr<std::unique_ptr<QueryLog>> QueryLog::Open(const QueryLogOptions& options,
                                                         int workers) {
  if (options.target.kind == QueryLogTarget::Kind::kOff) return std::unique_ptr<QueryLog>();
  ASSIGN_OR_RETURN(std::unique_ptr<LogOutput> output, LogOutput::Open(options.target));
  return std::unique_ptr<QueryLog>(new QueryLog(options, std::move(output), workers));
}

QueryLog::QueryLog(const QueryLogOptions& options, std::unique_ptr<LogOutput> output, int workers)
    : is_dnstap_(options.target.is_dnstap()),
      is_json_(options.json),
      output_(std::move(output)),
      pseudonyms_(options.names, options.clients) {
  for (int i = 0; i < workers; ++i) {
    queues_.push_back(std::make_unique<NoteQueue>(options.sample, is_dnstap_, options.upstream));
  }
}

QueryLog::~QueryLog() {
  if (!thread_.joinable()) return;
  end_.set_value();
  thread_.join();
}

void QueryLog::Start() { thread_ = std::thread(&QueryLog::Run, this); }

void QueryLog::Run() {
  const std::future<void> end = end_.get_future();
  bool ends = false;
  while (!ends) {
    ends = end.wait_for(kWriteInterval) == std::future_status::ready;
    WriteAll();
  }
}

void QueryLog::WriteAll() {
  if (reopen_.exchange(false, std::memory_order_relaxed)) output_->Reopen();
  const Duration since_epoch = TimeSinceEpoch();
  const Duration epoch_at_boot = since_epoch - BootTime().time_since_epoch();
  pseudonyms_.UseDay(std::chrono::duration_cast<Seconds>(since_epoch).count());
  absl::Status status;  // After an error, the others are not tried: each may take a second.
  for (const auto& queue : queues_) {
    queue->Take(taken_);
    if (taken_.empty()) continue;
    for (const QueuedNote& queued : taken_) Append(queued, epoch_at_boot);
    if (status.ok()) status = output_->Write(records_, BootTime());
    if (!status.ok()) lost_.Add(taken_.size());
    NoteResult(status);
    taken_.clear();
    records_.clear();
  }
}

// One line for each change, while there are few.
void QueryLog::NoteResult(const absl::Status& status) {
  if (status.ok() == !failing_ || !lines_.Take(BootTime()).has_value()) return;
  failing_ = !status.ok();
  if (failing_) {
    Log(LogLevel::kError, "query log not written", {{"cause", status.message()}});
  } else {
    Log(LogLevel::kInfo, "query log written again", {{"lost", drops()}});
  }
}

void QueryLog::Append(const QueuedNote& queued, Duration epoch_at_boot) {
  const QueryNote& note = queued.note;
  if (!is_dnstap_) {
    const auto append = is_json_ ? &AppendQueryJson : &AppendQueryLine;
    append(note, epoch_at_boot + note.at().time_since_epoch(), pseudonyms_, records_);
    return;
  }
  record_.clear();
  AppendDnstap(note, queued.message, epoch_at_boot, record_);
  AppendFrame(record_, records_);
}

uint64_t QueryLog::drops() const {
  uint64_t drops = lost_.value();
  for (const auto& queue : queues_) drops += queue->drops();
  return drops;
}

}  // namespace dotcache
