// SPDX-License-Identifier: Apache-2.0
// Why an exchange has no response.
#ifndef DOTCACHE_UPSTREAM_API_EXCHANGE_FAILURE_H_
#define DOTCACHE_UPSTREAM_API_EXCHANGE_FAILURE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace dotcache {

enum class ExchangeFailure : uint8_t {
  kNone,         // There is a response.
  kTimeout,      // The deadline passed.
  kUnreachable,  // No server could be reached.
  kLoop,         // Queries to a server come back, and no other could be reached.
  kErrors,       // The servers answered with errors that cannot be relayed.
  kLimit,        // A table or all connections are full.
  // The latest response that could not be used:
  kMalformed,
  kReferral,
  kTruncated,  // TC over a stream.
  kAliases,    // The aliases of the name have no end, or make too large an answer.
};

// In words, for a client's extended error and for log lines.
std::string ExchangeFailureText(ExchangeFailure failure);

// A value, or why there is none. REQUIRES: ok() where the value is used.
template <typename T>
class ExchangeOr {
 public:
  ExchangeOr(T value) : value_(std::move(value)) {}           // NOLINT: as in absl::StatusOr.
  ExchangeOr(ExchangeFailure failure) : failure_(failure) {}  // NOLINT

  bool ok() const { return value_.has_value(); }
  ExchangeFailure failure() const { return failure_; }  // kNone if ok().

  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  ExchangeFailure failure_ = ExchangeFailure::kNone;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_API_EXCHANGE_FAILURE_H_
