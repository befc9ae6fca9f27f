// SPDX-License-Identifier: Apache-2.0
// The parts around a QueryHandler in tests.
#ifndef DOTCACHE_TESTS_ANSWER_HANDLER_TEST_SUPPORT_H_
#define DOTCACHE_TESTS_ANSWER_HANDLER_TEST_SUPPORT_H_

#include <memory>

#include "answer/query_handler.h"
#include "gtest/gtest.h"
#include "tests/support/fake_exchanger.h"
#include "tests/support/recording_sink.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {

inline CacheOptions SmallCache() {
  CacheOptions options;
  options.budget_bytes = 1 << 20;
  return options;
}

// A client in the network that HandlerTest serves.
inline ReplyAddress ClientAddress(absl::string_view address = "192.0.2.7",
                                  Transport transport = Transport::kUdp) {
  ReplyAddress client;
  client.transport = transport;
  client.client = *Endpoint::ParseAddress(address, 4711);
  return client;
}

// The parts of a QueryHandler. The test makes `handler_` from them.
class HandlerTest : public testing::Test {
 protected:
  SimulatedLoop loop_;
  ResponseCache cache_{SmallCache(), HashSeed{1, 2}};
  FakeExchanger exchanger_;
  const AccessPolicy access_{{*AddressPrefix::Parse("192.0.2.0/24")}};
  WorkerCounters counters_;
  ServerLimits limits_;
  RecordingSink sink_;
  std::unique_ptr<QueryHandler> handler_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_ANSWER_HANDLER_TEST_SUPPORT_H_
