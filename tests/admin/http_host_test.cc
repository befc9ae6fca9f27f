// SPDX-License-Identifier: Apache-2.0
#include "admin/http_host.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(HttpHostTest, AddressesAndLocalhostAreAccepted) {
  for (const char* host : {"127.0.0.1", "127.0.0.1:9153", "192.0.2.1:80", "[::1]", "[::1]:9153",
                           "[2001:db8::1]:1", "localhost", "localhost:9153", "LocalHost"}) {
    EXPECT_TRUE(IsAddressOrLocalhost(host)) << host;
  }
}

TEST(HttpHostTest, AnyOtherNameIsRejected) {
  for (const char* host :
       {"", ":80", "rebind.example", "rebind.example:9153", "localhost.example", "xlocalhost",
        "localhost.", "localhost:x", "localhost:80:80", "127.0.0.1.example", "127.0.0.1:x",
        "[::1].example", "[::1", "1", "127.1", "0x7f.0.0.1"}) {
    EXPECT_FALSE(IsAddressOrLocalhost(host)) << host;
  }
}

TEST(HttpHostTest, NamesAreAcceptedWhenAllowed) {
  const std::vector<std::string> names = {"dotcache", "dns.example"};
  for (const char* host : {"dotcache", "DotCache:9153", "dns.example:80", "192.0.2.1", "localhost"})
    EXPECT_TRUE(IsAllowedHost(host, names)) << host;
  for (const char* host : {"rebind.example", "dotcache.example", "xdotcache", "dotcache:x", ""})
    EXPECT_FALSE(IsAllowedHost(host, names)) << host;
}

TEST(HttpHostTest, TheMachineHasAName) { EXPECT_FALSE(MachineName().empty()); }

}  // namespace
}  // namespace dotcache
