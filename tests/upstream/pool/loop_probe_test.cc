// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/loop_probe.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

DomainName Name(const std::string& text) { return *DomainName::FromText(text); }

TEST(LoopProbeTest, TheNameIsInTheServersZoneAndCanBeReadBack) {
  const auto name = LoopProbeName(0xabc, Name("Corp.Example"));
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->ToString(), "0000000000000abc._loop-check.corp.example.");
  EXPECT_EQ(ReadLoopProbeName(*name), 0xabcu);
}

TEST(LoopProbeTest, TheRootsServersHaveNamesToo) {
  const auto name = LoopProbeName(~uint64_t{0}, DomainName());
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->ToString(), "ffffffffffffffff._loop-check.");
  EXPECT_EQ(ReadLoopProbeName(*name), ~uint64_t{0});
}

TEST(LoopProbeTest, WhereThereIsNoRoomThereIsNoName) {
  const std::string label(60, 'a');
  EXPECT_FALSE(LoopProbeName(1, Name(label + "." + label + "." + label + "." + label)));
}

TEST(LoopProbeTest, OtherNamesAreNone) {
  for (const char* text :
       {".", "example.", "www.example.com.", "_loop-check.", "abc._loop-check.",
        "0000000000000abcd._loop-check.", "000000000000000g._loop-check.",
        "0000000000000abc._loop-chuck.", "0000000000000abc.", "0000000000000abc.example."}) {
    EXPECT_FALSE(ReadLoopProbeName(Name(text))) << text;
  }
}

TEST(LoopProbeTest, OnlyAddressesThatCanBeOursLeadBack) {
  for (const char* address :
       {"127.0.0.53", "10.0.0.1", "172.31.255.255", "192.168.1.1", "169.254.20.10", "100.64.0.1",
        "198.19.0.1", "::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(MayLeadBack(*Endpoint::ParseAddress(address, 53))) << address;
  }
  for (const char* address :
       {"1.1.1.1", "9.9.9.9", "8.8.8.8", "172.32.0.1", "192.169.0.1", "100.128.0.1", "2620:fe::fe",
        "2606:4700:4700::1111", "::ffff:9.9.9.9"}) {
    EXPECT_FALSE(MayLeadBack(*Endpoint::ParseAddress(address, 53))) << address;
  }
}

}  // namespace
}  // namespace dotcache
