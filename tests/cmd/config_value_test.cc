// SPDX-License-Identifier: Apache-2.0
#include "cmd/config_value.h"

#include "tests/cmd/config_test_support.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> ErrorsOf(const std::string& yaml) {
  const ScratchFile file(yaml);
  std::vector<std::string> texts;
  for (const ConfigError& error : ReadConfigFile(file.path()).errors) {
    texts.push_back(absl::StrReplaceAll(error.ToString(), {{file.path(), "FILE"}}));
  }
  return texts;
}

TEST(ConfigValueTest, ValuesKnowTheirLine) {
  const ScratchFile file("a: 1\n\nb:\n  - x\n  - {c: y}\n");
  const ConfigFile read = ReadConfigFile(file.path());
  ASSERT_THAT(read.errors, IsEmpty());
  ASSERT_EQ(read.root.map.size(), 2u);
  EXPECT_EQ(read.root.map[0].value.origin, file.path() + ":1");
  const ConfigValue& list = read.root.map[1].value;
  ASSERT_EQ(list.list.size(), 2u);
  EXPECT_EQ(list.list[0].origin, file.path() + ":4");
  EXPECT_EQ(list.list[1].map[0].value.scalar, "y");
}

TEST(ConfigValueTest, BrokenYamlIsReportedWithItsLine) {
  EXPECT_THAT(ErrorsOf("a: 1\nb: [1, 2\nc: 3\n"), ElementsAre(HasSubstr("is not YAML")));
  EXPECT_THAT(ErrorsOf("- a\n- b\n"), ElementsAre(HasSubstr("FILE:1: must hold `key: value`")));
  EXPECT_THAT(ErrorsOf("a: 1\n---\nb: 2\n"), ElementsAre(HasSubstr("more than one YAML document")));
  // yaml-cpp finds documents without end after this closing bracket.
  EXPECT_THAT(ErrorsOf("[a b c:],\n"), ElementsAre(HasSubstr("more than one YAML document")));
  for (const char* text : {"", "---\n", "a: 1\n...\n", "---\na: 1\n---\n", "a: 1\n# b\n"}) {
    EXPECT_THAT(ErrorsOf(text), IsEmpty()) << text;
  }
}

TEST(ConfigValueTest, AKeyWrittenTwiceIsAnError) {
  EXPECT_THAT(ErrorsOf("a: 1\nb: 2\na: 3\n"), ElementsAre("FILE:3: a: is written twice; keep one"));
}

TEST(ConfigValueTest, LimitsHold) {
  EXPECT_THAT(ErrorsOf(std::string((size_t{1} << 20) + 1, '#')),
              ElementsAre(HasSubstr("larger than 1 MiB")));
  EXPECT_THAT(ErrorsOf("a: " + std::string(20, '[') + std::string(20, ']') + "\n"),
              ElementsAre(HasSubstr("nested too deeply")));
}

TEST(ConfigValueTest, ADirectoryIsNoFile) {
  const ConfigFile read = ReadConfigFile("/");
  ASSERT_EQ(read.errors.size(), 1u);
  EXPECT_THAT(read.errors[0].ToString(), HasSubstr("/: "));
}

TEST(ConfigValueTest, CommaListsKeepEmptyPieces) {
  const ConfigValue value = ConfigValue::CommaList("a, b,,c", "ENV");
  std::vector<std::string> texts;
  for (const ConfigValue* element : value.Elements()) texts.push_back(element->scalar);
  EXPECT_THAT(texts, ElementsAre("a", "b", "", "c"));
}

}  // namespace
}  // namespace dotcache
