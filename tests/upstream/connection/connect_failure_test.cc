// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/connect_failure.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(ConnectFailureTest, TcpAndTlsFailuresHaveDifferentCauses) {
  for (const StreamError error : {StreamError::kConnectRefused, StreamError::kUnreachable,
                                  StreamError::kOutOfResources, StreamError::kConnectFailed}) {
    EXPECT_EQ(UpstreamFailurePhase(FailureToConnect(error)), "connect") << StreamErrorName(error);
  }
  for (const StreamError error :
       {StreamError::kTlsHandshake, StreamError::kTlsAlpn, StreamError::kTlsCertificate,
        StreamError::kTlsClientCertificate, StreamError::kTlsProtocol, StreamError::kReset}) {
    EXPECT_EQ(UpstreamFailurePhase(FailureToConnect(error)), "tls") << StreamErrorName(error);
  }
}

// StreamConnectionTest has the causes of TLS.
TEST(ConnectFailureTest, TheCauseOfATcpTimeoutNamesAddressAndFirewall) {
  const auto [failure, cause] = DescribeConnectTimeout(nullptr, 5353, Milliseconds(1500));
  EXPECT_EQ(failure, UpstreamFailure::kConnectTimeout);
  EXPECT_EQ(
      cause,
      "no answer to the TCP connect within 1500 ms (upstream-connect-timeout): is the address "
      "right, and does a firewall drop port 5353?");
}

}  // namespace
}  // namespace dotcache
