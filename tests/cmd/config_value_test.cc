// SPDX-License-Identifier: Apache-2.0
#include "cmd/config_value.h"

#include <sys/resource.h>

#include <iostream>

#include "absl/base/config.h"
#include "absl/strings/str_join.h"
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

// Eight levels of `width` aliases each: width^8 values.
std::string NestedAliases(int width) {
  std::string yaml = "a0: &a0 x\n";
  for (int level = 1; level <= 7; ++level) {
    absl::StrAppend(&yaml, "a", level, ": &a", level, " [");
    for (int i = 0; i < width; ++i) absl::StrAppend(&yaml, i == 0 ? "" : ",", "*a", level - 1);
    yaml += "]\n";
  }
  return yaml;
}

TEST(ConfigValueTest, AliasesAreCountedAsIfWrittenOut) {
  EXPECT_THAT(ErrorsOf(NestedAliases(2)), IsEmpty());
  const std::string bomb = NestedAliases(10);
  EXPECT_LT(bomb.size(), 400u);
  EXPECT_THAT(ErrorsOf(bomb), ElementsAre("FILE:6: with its aliases written out, the file holds "
                                          "more than 100000 values or 1 MiB of text"));
  std::string texts = absl::StrCat("a: &a ", std::string(1 << 16, 'x'), "\nb:\n");
  for (int i = 0; i < 14; ++i) texts += "- *a\n";
  EXPECT_THAT(ErrorsOf(texts), IsEmpty());
  EXPECT_THAT(ErrorsOf(texts + "- *a\n"), ElementsAre(HasSubstr("FILE:17: with its aliases")));
}

TEST(ConfigValueTest, AliasesDoNotNestDeeperThanText) {
  EXPECT_THAT(ErrorsOf("a: &a [[[x]]]\nb: [[[[*a]]]]\n"), IsEmpty());
  EXPECT_THAT(ErrorsOf("a: &a [[[x]]]\nb: [[[[[*a]]]]]\n"),
              ElementsAre("FILE:2: nested too deeply"));
  EXPECT_THAT(ErrorsOf("a: &a\n- x\n- [*a, *a]\n"),
              ElementsAre("FILE:3: an alias is inside the value that it repeats"));
}

// The allocator of a sanitizer ends the process instead of throwing.
#if !defined(ABSL_HAVE_ADDRESS_SANITIZER) && !defined(ABSL_HAVE_THREAD_SANITIZER)
TEST(ConfigValueTest, TooLittleMemoryIsAnErrorWithALine) {
  const std::string yaml =
      absl::StrCat("a:\n", absl::StrJoin(std::vector<std::string>(90'000, "- b\n"), ""));
  const ScratchFile file(yaml);
  const auto read_with_little_memory = [&file] {
    size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t octets = pages * static_cast<size_t>(getpagesize()) + (size_t{8} << 20);
    const rlimit limit = {octets, octets};
    setrlimit(RLIMIT_AS, &limit);
    const ConfigFile read = ReadConfigFile(file.path());
    for (const ConfigError& error : read.errors) std::cerr << error.ToString();
    std::_Exit(read.root.map.empty() ? 0 : 1);
  };
  EXPECT_EXIT(read_with_little_memory(), testing::ExitedWithCode(0),
              ":90001: there is not enough memory to read on");
}
#endif

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
