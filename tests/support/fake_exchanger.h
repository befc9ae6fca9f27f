// SPDX-License-Identifier: Apache-2.0
// An Exchanger whose exchanges the test ends.
#ifndef DOTCACHE_TESTS_SUPPORT_FAKE_EXCHANGER_H_
#define DOTCACHE_TESTS_SUPPORT_FAKE_EXCHANGER_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "upstream/api/exchanger.h"

namespace dotcache {

// Records each exchange and ends it when the test calls Respond() or Fail(). Not thread-safe.
class FakeExchanger : public Exchanger {
 public:
  struct Call {
    UpstreamQuery query;
    MonoTime deadline;
    std::optional<ExchangeCallback> callback;  // Empty after the call or a cancellation.
    bool cancelled = false;
  };

  const std::vector<Call>& calls() const { return calls_; }

  // From now on exchanges fail at once with `failure`. If it is kNone, they begin again.
  void FailAtOnce(ExchangeFailure failure) { immediate_failure_ = failure; }

  // Ends the exchange `call` (from 0) with a response, inspected as a connection does it, or with a
  // failure. Does nothing if it was cancelled.
  void Respond(size_t call, const WireMessage& response);
  void Fail(size_t call, ExchangeFailure failure);

  ExchangeOr<ExchangeId> Exchange(const UpstreamQuery& query, MonoTime deadline,
                                  ExchangeCallback callback) override;
  void Cancel(ExchangeId id) override;

 private:
  void End(size_t call, ExchangeOr<UpstreamResponse> result);

  ExchangeFailure immediate_failure_ = ExchangeFailure::kNone;
  std::vector<Call> calls_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_FAKE_EXCHANGER_H_
