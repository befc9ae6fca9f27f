// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/address_families.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr bool kV4 = false;
constexpr bool kV6 = true;

TEST(AddressFamiliesTest, TwoSilentServersBreakAFamilyWhileTheOtherWorks) {
  AddressFamilies families(false);
  families.NoteReached(kV4);
  families.NoteFailure(kV6, 1, UpstreamFailure::kConnectTimeout);
  families.NoteFailure(kV6, 1, UpstreamFailure::kConnectTimeout);
  EXPECT_FALSE(families.broken(kV6));  // One server proves nothing, however often.
  families.NoteFailure(kV6, 2, UpstreamFailure::kUnreachable);
  EXPECT_TRUE(families.broken(kV6));
  EXPECT_FALSE(families.broken(kV4));
}

TEST(AddressFamiliesTest, WhereNothingWorksNoFamilyIsPreferred) {
  AddressFamilies families(false);
  for (const int server : {0, 1}) families.NoteFailure(kV6, server, UpstreamFailure::kUnreachable);
  EXPECT_FALSE(families.broken(kV6));  // The other was never reached.
  families.NoteReached(kV4);
  EXPECT_TRUE(families.broken(kV6));
  for (const int server : {2, 3}) families.NoteFailure(kV4, server, UpstreamFailure::kUnreachable);
  EXPECT_FALSE(families.broken(kV6));
  EXPECT_FALSE(families.broken(kV4));
}

TEST(AddressFamiliesTest, OneServerThatIsReachedMendsTheFamily) {
  for (const bool by_refusal : {false, true}) {
    AddressFamilies families(false);
    families.NoteReached(kV4);
    for (const int server : {1, 2}) {
      families.NoteFailure(kV6, server, UpstreamFailure::kConnectFailed);
    }
    ASSERT_TRUE(families.broken(kV6));
    if (by_refusal) {
      families.NoteFailure(kV6, 1, UpstreamFailure::kConnectRefused);
    } else {
      families.NoteReached(kV6);
    }
    EXPECT_FALSE(families.broken(kV6));
    families.NoteFailure(kV6, 1, UpstreamFailure::kConnectTimeout);
    EXPECT_FALSE(families.broken(kV6));  // It takes two anew.
  }
}

TEST(AddressFamiliesTest, WantOfOurOwnResourcesNeitherBreaksNorMendsAFamily) {
  AddressFamilies families(false);
  families.NoteReached(kV4);
  const auto lack_resources = [&families] {
    for (const int server : {1, 2}) {
      families.NoteFailure(kV6, server, UpstreamFailure::kOutOfResources);
    }
  };
  lack_resources();
  EXPECT_FALSE(families.broken(kV6));
  for (const int server : {1, 2}) families.NoteFailure(kV6, server, UpstreamFailure::kUnreachable);
  lack_resources();
  EXPECT_TRUE(families.broken(kV6));
}

TEST(AddressFamiliesTest, ANewNetworkIsJudgedAnew) {
  AddressFamilies families(false);
  families.NoteReached(kV4);
  for (const int server : {1, 2}) families.NoteFailure(kV6, server, UpstreamFailure::kUnreachable);
  families.Forget();
  EXPECT_FALSE(families.broken(kV6));
}

}  // namespace
}  // namespace dotcache
