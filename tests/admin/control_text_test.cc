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

TEST(ControlTextTest, TableThatIsTooWideBecomesBlocksWithoutUnknownValues) {
  const std::string wide(150, 'x');
  EXPECT_EQ(RenderForPeople(R"({"entries": [{"state": "fresh", "origin": null, "kind": ")" + wide +
                            R"(", "records": ["x", "y"]}, {"state": "failure"}]})"),
            "1.\n  state:  fresh\n  kind:   " + wide +
                "\n  records:\n    x\n    y\n\n2.\n  state:  failure\n");
}

TEST(ControlTextTest, AnExplanationHasTwoLinesForEachServer) {
  EXPECT_EQ(RenderExplanationForPeople(R"({"why": ["a"], "servers": [
                {"provider": "p", "address": "192.0.2.1:853", "transport": "dot", "state": "up",
                 "why": "its turn", "connections": 2, "in_flight": 1, "last_failure": null},
                {"provider": "q", "address": "192.0.2.2:853", "transport": "dot", "state": "down",
                 "why": "down: tls-timeout", "connections": 0, "in_flight": 0,
                 "last_failure": "tls-timeout", "last_cause": "no answer",
                 "last_failure_ago_ms": 1500, "next_probe_in_ms": 200}]})"),
            "why:\n  a\nservers:\n"
            "  1. p 192.0.2.1:853 (dot, up): its turn\n"
            "     connections: 2, queries in flight: 1\n"
            "  2. q 192.0.2.2:853 (dot, down): down: tls-timeout\n"
            "     connections: 0, queries in flight: 0, last failure 1.5 s ago: tls-timeout: no "
            "answer, next probe in 0.2 s\n");
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
