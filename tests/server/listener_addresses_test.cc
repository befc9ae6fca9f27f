// SPDX-License-Identifier: Apache-2.0
#include "server/listener_addresses.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

ListenOptions Listener(const char* address, Transport transport = Transport::kUdp) {
  return {.transport = transport, .endpoint = *Endpoint::ParseAddress(address, 5300)};
}

std::string LogOf(ListenerAddresses& addresses, const ListenOptions& listener) {
  testing::internal::CaptureStderr();
  addresses.Add(listener);
  addresses.Check();
  return testing::internal::GetCapturedStderr();
}

TEST(ListenerAddressesTest, AnAddressOfThisMachineAndAWildcardAreThere) {
  ListenerAddresses addresses;
  for (const char* address : {"127.0.0.1", "0.0.0.0", "::"}) {
    EXPECT_THAT(LogOf(addresses, Listener(address)), IsEmpty());
    EXPECT_TRUE(addresses.Has(Listener(address)));
  }
}

TEST(ListenerAddressesTest, AListenerWithoutItsAddressIsLoggedOnce) {
  ListenerAddresses addresses;
  addresses.Add(Listener("127.0.0.1"));
  EXPECT_THAT(LogOf(addresses, Listener("192.0.2.77", Transport::kTcp)),
              HasSubstr("listener waits for its address"));
  EXPECT_FALSE(addresses.Has(Listener("192.0.2.77", Transport::kTcp)));
  EXPECT_TRUE(addresses.Has(Listener("127.0.0.1")));
  testing::internal::CaptureStderr();
  addresses.Check();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
}

}  // namespace
}  // namespace dotcache
