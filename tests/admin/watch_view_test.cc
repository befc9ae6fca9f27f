// SPDX-License-Identifier: Apache-2.0
#include "admin/watch_view.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Reply(int seconds, int hits, int misses, const char* is_up) {
  return absl::StrCat(R"({"version": "1", "ready": true, "time_us": )", seconds,
                      "000000, \"queries\": ", hits + misses, R"(, "cache_hits": )", hits,
                      R"(, "cache_misses": )", misses, R"(, "miss_buckets": [)", misses,
                      R"(, 1, 0], "cache_entries": 7, "servers": [)",
                      R"({"provider": "p", "address": "192.0.2.1:853", "up": )", is_up,
                      R"(, "queries": )", misses, "}]}");
}

TEST(WatchViewTest, RatesAreThoseSinceTheReplyBefore) {
  WatchView view(100, /*colour=*/false);
  EXPECT_THAT(view.Render(Reply(10, 100, 100, "true")), HasSubstr("queries/s -  hits -"));
  const std::string text = view.Render(Reply(12, 130, 110, "true"));
  EXPECT_THAT(text, HasSubstr("dotcache 1  ready\n"));
  EXPECT_THAT(text, HasSubstr("queries/s 20.0  hits 75.0 %  misses/s 5.0"));
  EXPECT_THAT(text, HasSubstr("50 % <1 ms"));
  EXPECT_THAT(text, HasSubstr("cache: 7 entries"));
  EXPECT_THAT(text, HasSubstr("up               5.0"));
  EXPECT_THAT(text, HasSubstr("p 192.0.2.1:853\n"));
}

TEST(WatchViewTest, ABucketWithExactlyTheShareHasTheBound) {
  WatchView view(100, /*colour=*/false);
  view.Render(Reply(10, 0, 7, "true"));
  // One more miss in each of the first two buckets.
  const std::string text =
      view.Render(absl::StrReplaceAll(Reply(11, 0, 8, "true"), {{"[8, 1, 0]", "[8, 2, 0]"}}));
  EXPECT_THAT(text, HasSubstr("50 % <1 ms  95 % <2 ms"));
}

TEST(WatchViewTest, AfterARestartThereAreNoRates) {
  WatchView view(100, /*colour=*/false);
  view.Render(Reply(10, 100, 100, "true"));
  EXPECT_THAT(view.Render(Reply(11, 1, 1, "true")), HasSubstr("queries/s -"));
}

TEST(WatchViewTest, LinesAreCutAtTheWidth) {
  WatchView view(20, /*colour=*/false);
  const std::string text = view.Render(Reply(10, 100, 100, "true"));
  EXPECT_THAT(text, HasSubstr("\nqueries/s -  hits - \n"));
}

TEST(WatchViewTest, OnlyTheStateHasAColour) {
  WatchView coloured(100, /*colour=*/true);
  EXPECT_THAT(coloured.Render(Reply(1, 1, 1, "false")), HasSubstr("\x1b[31mdown\x1b[0m "));
  EXPECT_THAT(coloured.Render(Reply(1, 1, 1, "true")), HasSubstr("\x1b[32mup\x1b[0m "));
  WatchView plain(100, /*colour=*/false);
  EXPECT_THAT(plain.Render(Reply(1, 1, 1, "false")), Not(HasSubstr("\x1b")));
}

TEST(WatchViewTest, AnErrorIsShownAsItIs) {
  EXPECT_EQ(WatchView(80, false).Render("not found"), "not found\n");
}

}  // namespace
}  // namespace dotcache
