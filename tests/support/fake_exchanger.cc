// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_exchanger.h"

#include <utility>

#include "gtest/gtest.h"

namespace dotcache {

void FakeExchanger::Respond(size_t call, const WireMessage& response) {
  auto inspected = InspectResponse(response, calls_.at(call).query.question);
  ASSERT_TRUE(std::holds_alternative<ResponseFacts>(inspected))
      << "defect " << static_cast<int>(std::get<ResponseDefect>(inspected));
  End(call, UpstreamResponse{response, std::get<ResponseFacts>(std::move(inspected))});
}

void FakeExchanger::Fail(size_t call, ExchangeFailure failure) { End(call, failure); }

void FakeExchanger::End(size_t call, ExchangeOr<UpstreamResponse> result) {
  std::optional<ExchangeCallback> callback = std::exchange(calls_.at(call).callback, std::nullopt);
  if (callback.has_value()) (*std::move(callback))(std::move(result));
}

ExchangeOr<ExchangeId> FakeExchanger::Exchange(const UpstreamQuery& query, MonoTime deadline,
                                               ExchangeCallback callback) {
  if (immediate_failure_ != ExchangeFailure::kNone) return immediate_failure_;
  calls_.push_back({query, deadline, std::move(callback)});
  return calls_.size();
}

void FakeExchanger::Cancel(ExchangeId id) {
  ASSERT_GE(id, 1u);
  ASSERT_LE(id, calls_.size());
  calls_[id - 1].callback.reset();
  calls_[id - 1].cancelled = true;
}

}  // namespace dotcache
