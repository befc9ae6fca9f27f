// SPDX-License-Identifier: Apache-2.0
#include "admin/control_text.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(ControlTextTest, MembersAreAlignedLines) {
  EXPECT_EQ(RenderForPeople(R"({"ready": true, "cache_hits": 12, "version": "1"})"),
            "ready:       yes\ncache hits:  12\nversion:     1\n");
}

TEST(ControlTextTest, MapsAreATableWithNumbersOnTheRight) {
  EXPECT_EQ(RenderForPeople(R"({"upstreams": [{"address": "192.0.2.1:853", "queries": 7},
                                              {"address": "a", "queries": 1234567}]})"),
            "ADDRESS        QUERIES\n192.0.2.1:853        7\na              1234567\n");
}

TEST(ControlTextTest, ListInARowFollowsTheRow) {
  EXPECT_EQ(RenderForPeople(R"({"name": "a.", "entries": [{"state": "fresh", "records": ["x", "y"]},
                                                          {"state": "failure"}]})"),
            "name:  a.\n\nSTATE\nfresh\n    x\n    y\nfailure\n");
}

TEST(ControlTextTest, EmptyListsAndTexts) {
  EXPECT_EQ(RenderForPeople(R"({"entries": [], "changes": ["+ a", "- b"], "rest": null})"),
            "entries: none\nchanges:\n  + a\n  - b\nrest:  -\n");
  EXPECT_EQ(RenderForPeople("no json"), "no json");
}

TEST(ControlTextTest, ErrorIsTheMemberOrTheWholeText) {
  EXPECT_EQ(ErrorOf(R"({"error": "no such name"})"), "no such name");
  EXPECT_EQ(ErrorOf("broken\n"), "broken");
}

}  // namespace
}  // namespace dotcache
