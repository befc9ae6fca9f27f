// SPDX-License-Identifier: Apache-2.0
#include "admin/question_parameters.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

absl::StatusOr<QuestionParameters> Read(std::map<std::string, std::string> parameters) {
  return ReadQuestion({"GET", "/lookup", std::move(parameters)});
}

TEST(QuestionParametersTest, NameIsCanonicalAndTypeIsOptional) {
  const auto question = Read({{"name", "WWW.Example"}, {"type", "aaaa"}});
  ASSERT_TRUE(question.ok());
  EXPECT_EQ(question->name.ToString(), "www.example.");
  EXPECT_EQ(question->type, QType::kAaaa);
  EXPECT_EQ(Read({{"name", "a"}})->type, QType::kNone);
}

TEST(QuestionParametersTest, ErrorsNameTheParameter) {
  EXPECT_EQ(Read({}).status().message(),
            "the parameter name is missing: /lookup?name=www.example.com");
  EXPECT_EQ(Read({{"name", "a"}, {"type", "NOTYPE"}}).status().message(),
            "NOTYPE is not a record type such as A, AAAA or TYPE65");
  EXPECT_FALSE(Read({{"name", "a..b"}}).ok());
}

}  // namespace
}  // namespace dotcache
