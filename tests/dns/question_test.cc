// SPDX-License-Identifier: Apache-2.0
#include "dns/question.h"

#include "gtest/gtest.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

Question MakeQuestion(absl::string_view qname, QType qtype, QClass qclass = QClass::kIn) {
  return {.qname = DomainName::FromText(qname).value(), .qtype = qtype, .qclass = qclass};
}

TEST(QuestionTest, MatchesItsMessageInAnyCase) {
  const Question question = MakeQuestion("www.example.com", QType::kA);
  EXPECT_TRUE(question.MatchesMessage(MakeQuery("www.example.com", QType::kA)));
  EXPECT_TRUE(question.MatchesMessage(MakeQuery("wWw.eXAMPLE.COM", QType::kA)));
  EXPECT_TRUE(question.MatchesMessage(
      MessageBuilder().Question("WWW.example.com", QType::kA).Opt().Build()));
}

TEST(QuestionTest, OctetsAbove127MatchOnlyThemselves) {
  const Question question = MakeQuestion("\\233\\200.example", QType::kA);
  EXPECT_TRUE(question.MatchesMessage(MakeQuery("\xe9\xc8.EXAMPLE", QType::kA)));
  EXPECT_FALSE(question.MatchesMessage(MakeQuery("\xc9\xc8.EXAMPLE", QType::kA)));
}

TEST(QuestionTest, AnyOtherQuestionDoesNotMatch) {
  const Question question = MakeQuestion("www.example.com", QType::kA);
  EXPECT_FALSE(question.MatchesMessage(MakeQuery("www.example.net", QType::kA)));
  EXPECT_FALSE(question.MatchesMessage(MakeQuery("www.example.com", QType::kAaaa)));
  EXPECT_FALSE(question.MatchesMessage(
      MessageBuilder().Question("www.example.com", QType::kA, QClass::kChaos).Build()));
  // The same octets with other labels: "www\007example" is one label.
  EXPECT_FALSE(MakeQuestion("www\\007example.com", QType::kA)
                   .MatchesMessage(MakeQuery("www.example.com", QType::kA)));
  const WireMessage pointed =
      MessageBuilder().Question(WireName::Pointer(20, "www.example"), QType::kA).Build();
  EXPECT_FALSE(question.MatchesMessage(pointed));
}

TEST(QuestionTest, NoTruncatedMessageMatches) {
  const Question question = MakeQuestion("www.example.com", QType::kA);
  const WireMessage whole = MakeQuery("www.example.com", QType::kA);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(question.MatchesMessage(WireMessage(whole.begin(), whole.begin() + size)));
  }
  EXPECT_EQ(question.wire_size(), whole.size() - kHeaderSize);
}

TEST(QuestionTest, TextUsesMnemonicsOrNumbers) {
  EXPECT_EQ(MakeQuestion("www.example.com", QType::kAaaa).ToString(), "www.example.com. AAAA IN");
  EXPECT_EQ(MakeQuestion(".", QType{65280}, QClass{5}).ToString(), ". TYPE65280 CLASS5");
  EXPECT_EQ(MakeQuestion("a", QType::kAny, QClass::kChaos).ToString(), "a. ANY CH");
  EXPECT_EQ(MakeQuestion("a", QType::kTxt, QClass::kHesiod).ToString(), "a. TXT HS");
  EXPECT_EQ(MakeQuestion("a", QType::kIxfr, QClass::kNone).ToString(), "a. IXFR NONE");
  EXPECT_EQ(MakeQuestion("a", QType::kAxfr, QClass::kAny).ToString(), "a. AXFR ANY");
  EXPECT_EQ(QTypeName(QType::kHttps), "HTTPS");
  EXPECT_EQ(QTypeName(QType::kMaila), "MAILA");
  EXPECT_EQ(QTypeName(QType::kMailb), "MAILB");
  for (int number : {0, 54, 261, 65535}) {
    EXPECT_EQ(QTypeName(static_cast<QType>(number)), absl::StrCat("TYPE", number));
  }
}

}  // namespace
}  // namespace dotcache
