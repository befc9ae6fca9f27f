// SPDX-License-Identifier: Apache-2.0
#include "cmd/outgoing_settings.h"

#include "tests/cmd/config_test_support.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

OutgoingOptions Read(const std::string& yaml) {
  const LoadedConfig loaded = LoadYaml(yaml);
  EXPECT_THAT(ErrorTexts(loaded), IsEmpty());
  return loaded.config.server.upstream.limits.outgoing;
}

TEST(OutgoingSettingsTest, ByDefaultTheKernelChooses) { EXPECT_TRUE(Read("").empty()); }

TEST(OutgoingSettingsTest, OneAddressOfEachFamily) {
  const OutgoingOptions outgoing = Read("upstream-source: [192.0.2.9, \"2001:db8::9\"]\n");
  EXPECT_EQ(outgoing.source_v4->ToString(), "192.0.2.9:0");
  EXPECT_EQ(outgoing.source_v6->ToString(), "[2001:db8::9]:0");
  EXPECT_EQ(Read("upstream-source: 192.0.2.9\n").source_v6, std::nullopt);
}

TEST(OutgoingSettingsTest, AMarkIsDecimalOrHexadecimal) {
  EXPECT_EQ(Read("upstream-mark: 42\n").mark, 42u);
  EXPECT_EQ(Read("upstream-mark: 0x2a\n").mark, 42u);
  EXPECT_EQ(Read("upstream-mark: 4294967295\n").mark, 0xffffffffu);
}

TEST(OutgoingSettingsTest, FlagsAndEnvironmentSetThem) {
  const LoadedConfig loaded =
      Load("", {{"DOTCACHE_UPSTREAM_SOURCE", "192.0.2.9,2001:db8::9"}}, {{"upstream-mark", {"7"}}});
  EXPECT_THAT(ErrorTexts(loaded), IsEmpty());
  EXPECT_EQ(loaded.config.server.upstream.limits.outgoing.mark, 7u);
  EXPECT_TRUE(loaded.config.server.upstream.limits.outgoing.source_v6.has_value());
}

TEST(OutgoingSettingsTest, WrongAddressesAndMarksAreErrors) {
  EXPECT_THAT(ErrorTexts(LoadYaml("upstream-source:\n  - 192.0.2.9\n  - 192.0.2.8\n")),
              ElementsAre(HasSubstr("FILE:3: upstream-source: a second IPv4 address")));
  ExpectErrors(R"(
    upstream-source: ["::1", "::1"] => a second IPv6 address
    upstream-source: eth0 => not an IP address
    upstream-source: 192.0.2.9:53 => not an IP address
    upstream-source: [] => is empty
  )");
  for (const char* address : {"0.0.0.0", "\"::\"", "224.0.0.1", "255.255.255.255", "\"ff02::1\""}) {
    EXPECT_THAT(ErrorTexts(LoadYaml(absl::StrCat("upstream-source: ", address, "\n"))),
                ElementsAre(HasSubstr("not the address of one machine")));
  }
  for (const char* mark : {"-1", "4294967296", "0x100000000", "0x", "red", "1.5", "0x0x2a", "0x-1",
                           "+7", "\" 7\"", "\"7 \"", "2a", "\"0x 2a\"", "\"\""}) {
    EXPECT_THAT(ErrorTexts(LoadYaml(absl::StrCat("upstream-mark: ", mark, "\n"))),
                ElementsAre(HasSubstr("FILE:1: upstream-mark: ")))
        << mark;
  }
}

TEST(OutgoingSettingsTest, TheyArePrintedAsTheyAreRead) {
  const std::string text =
      "upstream-source:\n  - 192.0.2.9\n  - \"2001:db8::9\"\nupstream-mark: 0x2a\n";
  EXPECT_THAT(FormatConfig(LoadYaml(text).config), HasSubstr(text));
}

}  // namespace
}  // namespace dotcache
