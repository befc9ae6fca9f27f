// SPDX-License-Identifier: Apache-2.0
#include "cmd/man_pages.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ManPagesTest, OptionsOfServeAreNotRepeated) {
  const OptionWords shared = {"--shared", "FILE", "Of both", {}};
  const OptionWords help = {"--help", "", "Print the options", {}};
  const std::string page =
      ProgramManPage({{"", "P", "", {}, {"serve", "check"}},
                      {"serve", "Serve", "", {shared, help}, {}},
                      {"check", "Check", "", {shared, {"--bind", "", ".Bind it", {}}}, {}}},
                     "1");
  EXPECT_EQ(page.find("\\-\\-shared FILE"), page.rfind("\\-\\-shared FILE"));
  EXPECT_THAT(page, HasSubstr("The options of dotcache serve have the same meaning here."));
  EXPECT_THAT(page, Not(HasSubstr("Print the options")));
  // A line that begins with a dot would be a macro.
  EXPECT_THAT(page, HasSubstr("\\&.Bind it"));
}

TEST(ManPagesTest, ASettingHasItsRangeDefaultAndVariable) {
  const std::string page = SettingsManPage(
      {{.key = "a-b", .value_name = "N", .help = "Help", .range = "1 to 2", .default_text = "1"},
       {.key = "c",
        .value_name = "N",
        .help = "C",
        .range = "",
        .default_text = "2",
        .yaml_only = true}},
      "1");
  EXPECT_THAT(page, HasSubstr("Help (1 to 2). Default: 1. Variable: DOTCACHE_A_B."));
  EXPECT_THAT(page, HasSubstr("C. Default: 2.\n"));
  EXPECT_THAT(page, Not(HasSubstr("DOTCACHE_C.")));
}

}  // namespace
}  // namespace dotcache
