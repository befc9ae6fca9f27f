// SPDX-License-Identifier: Apache-2.0
#include "cmd/yaml_text.h"

#include "tests/cmd/config_test_support.h"

namespace dotcache {
namespace {

TEST(YamlTextTest, EveryTextReadsBackToItself) {
  for (const std::string text :
       {"",    "one",  "127.0.0.1:53", "[::1]:53", "null", "~",    "Null",      "off",
        "-",   "---",  "a: b",         "#",        "a #b", "a\\b", "\"a\" 'b'", "a\tb",
        "1e3", "0x2a", "*a",           "!a",       "a,b",  "{a}",  " a "}) {
    const ScratchFile file(absl::StrCat("key: ", YamlScalar(text), "\n", YamlList("list", {text})));
    const ConfigFile read = ReadConfigFile(file.path());
    ASSERT_THAT(read.errors, testing::IsEmpty()) << text;
    ASSERT_EQ(read.root.map.size(), 2u) << text;
    EXPECT_EQ(read.root.map[0].value.scalar, text);
    ASSERT_EQ(read.root.map[1].value.list.size(), 1u) << text;
    EXPECT_EQ(read.root.map[1].value.list[0].scalar, text);
  }
}

TEST(YamlTextTest, SafeTextsAreNotQuoted) {
  EXPECT_EQ(YamlScalar("64MiB"), "64MiB");
  EXPECT_EQ(YamlScalar("1.5"), "1.5");
  EXPECT_EQ(YamlScalar("a b"), "\"a b\"");
}

TEST(YamlTextTest, AnEmptyListIsPrinted) { EXPECT_EQ(YamlList("a", {}), "a: []\n"); }

}  // namespace
}  // namespace dotcache
