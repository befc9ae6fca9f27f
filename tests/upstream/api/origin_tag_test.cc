// SPDX-License-Identifier: Apache-2.0
#include "upstream/api/origin_tag.h"

#include <gtest/gtest.h>

namespace dotcache {
namespace {

// An entry may be older than the process, so a tag never changes. The values are FNV-1a's.
TEST(OriginTagTest, TagIsTheFoldedHashOfTheName) {
  EXPECT_EQ(OriginTag(""), 0x811c ^ 0x9dc5);
  EXPECT_EQ(OriginTag("a"), 0xe40c ^ 0x292c);
  EXPECT_NE(OriginTag("cloudflare"), OriginTag("quad9"));
}

}  // namespace
}  // namespace dotcache
