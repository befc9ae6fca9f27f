// SPDX-License-Identifier: Apache-2.0
#include "admin/upstream_metrics.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

using testing::Contains;

TEST(UpstreamMetricsTest, AddressesOfOneProviderAreSummed) {
  LoopbackDotServer first;
  LoopbackDotServer second;
  ServerOptions options = TestServerOptions({&first, &second});
  options.upstream.zones[0].servers[1].provider = options.upstream.zones[0].servers[0].provider;
  RunningServer server(options);
  for (const char* name : {"a.example", "b.example", "c.example"}) {
    ASSERT_FALSE(server.Ask(Transport::kUdp, MakeQuery(name, QType::kA)).empty());
  }
  const auto providers = ProviderTotals(server.server());
  const auto addresses = AddressTotals(server.server());
  ASSERT_EQ(providers.size(), 1u);
  ASSERT_EQ(addresses.size(), 2u);
  EXPECT_GE(providers[0].Sum(&UpstreamCounters::queries), 3u);
  EXPECT_EQ(providers[0].Replies(RcodeSlot(Rcode::kNoError)), 3u);
  EXPECT_EQ(
      providers[0].Sum(&UpstreamCounters::queries),
      addresses[0].Sum(&UpstreamCounters::queries) + addresses[1].Sum(&UpstreamCounters::queries));
}

TEST(UpstreamMetricsTest, EachFailureHasAReason) {
  for (int i = 0; i < kUpstreamFailureCount; ++i) {
    EXPECT_THAT(FailureReasonNames(), Contains(FailureReasonName(static_cast<UpstreamFailure>(i))));
  }
  EXPECT_EQ(FailureReasonName(UpstreamFailure::kTlsTimeout), "tls");
}

}  // namespace
}  // namespace dotcache
