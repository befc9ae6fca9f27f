// SPDX-License-Identifier: Apache-2.0
#include "query_log/reply_source.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(ReplySourceTest, EveryOriginHasAPlaceAndEverySourceAName) {
  std::set<std::string> names;
  for (size_t place = 0; place < kReplyOriginCount; ++place) {
    const ReplyOrigin origin = OriginAt(place);
    EXPECT_EQ(PlaceOf(origin), place);
    names.insert(std::string(NameOf(kReplySourceNames, origin.source, "")));
  }
  EXPECT_EQ(names.size(), kReplySourceCount);
  EXPECT_FALSE(names.contains(""));
}

}  // namespace
}  // namespace dotcache
