// SPDX-License-Identifier: Apache-2.0
// The most frequent names, clients or types of a short measurement.
#ifndef DOTCACHE_ANSWER_TOP_QUERIES_H_
#define DOTCACHE_ANSWER_TOP_QUERIES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "core/clock.h"
#include "core/frequent_keys.h"
#include "core/mutex.h"
#include "dns/question.h"
#include "net/endpoint.h"

namespace dotcache {

// Counts queries while an operator measures, and never otherwise: names and clients are private.
// Each worker has counters of its own, with a lock that only the reader shares. Any thread may call
// any function. Without a measurement, a query costs one load.
class TopQueries {
 public:
  enum class By : uint8_t { kNames, kClients, kTypes };

  static constexpr size_t kCounters = 1024;  // Of each worker. About 300 KiB at most.
  static constexpr Seconds kLongest{60};
  static constexpr Seconds kUnread{30};  // A result that is not taken is kept for this time.

  struct Result {
    uint64_t queries = 0;
    std::vector<FrequentKeys::Item> items;  // Most frequent first.
  };

  explicit TopQueries(size_t workers);

  // Counts from `now` on for this time. Returns false if another measurement goes on.
  bool Start(By by, Duration length, MonoTime now);

  // True if queries are to be counted.
  bool measuring() const { return measuring_.load(std::memory_order_relaxed); }

  // REQUIRES: one thread for each worker.
  void Count(size_t worker, const Question& question, const Endpoint& client, MonoTime now);

  // True while a measurement goes on.
  bool RunsAt(MonoTime now) const { return now < until_.load(std::memory_order_relaxed); }

  // Ends the measurement, returns its result and forgets it.
  Result Take(size_t limit);

  // Forgets a result that was not taken. Called now and then.
  void ForgetUnread(MonoTime now);

 private:
  struct alignas(64) Share {
    Mutex mutex;
    std::unique_ptr<FrequentKeys> keys ABSL_GUARDED_BY(mutex);  // Null: no measurement.
  };

  std::vector<std::unique_ptr<Share>> shares_;  // By worker.
  std::atomic<bool> measuring_{false};
  std::atomic<By> by_{By::kNames};
  std::atomic<MonoTime> until_{MonoTime()};
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_TOP_QUERIES_H_
