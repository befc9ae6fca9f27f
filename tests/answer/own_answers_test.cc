// SPDX-License-Identifier: Apache-2.0
#include "answer/own_answers.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/parsed_message.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Question Ask(absl::string_view name, QType qtype, QClass qclass) {
  return {*DomainName::FromText(name), qtype, qclass};
}

Question AskChaos(absl::string_view name, QType qtype = QType::kTxt) {
  return Ask(name, qtype, QClass::kChaos);
}

OwnAnswers Telling() {
  return OwnAnswers({.identity = "node-7", .version_text = "one", .minimal_any = true});
}

std::vector<std::string> AnswerTo(const OwnAnswers& own, const Question& question) {
  const std::optional<StoredMessage> answer = own.Answer(question);
  if (!answer.has_value()) return {"REFUSED"};
  const ParsedMessage message = ParsedMessage::Parse(answer->wire);
  EXPECT_EQ(message.rcode, Rcode::kNoError);
  EXPECT_EQ(answer->ttl_offsets.size(), message.answer.size());
  for (const uint16_t offset : answer->ttl_offsets) {
    EXPECT_EQ(LoadU32(&answer->wire[offset]), question.qclass == QClass::kIn ? 3600u : 0u);
  }
  return message.answer;
}

TEST(OwnAnswersTest, ByDefaultIdentityAndVersionAreRefused) {
  const OwnAnswers own({});
  EXPECT_TRUE(own.identity().empty());
  for (const char* name : {"id.server", "hostname.bind", "version.server", "version.bind"}) {
    EXPECT_TRUE(own.Concerns(AskChaos(name)));
    EXPECT_FALSE(own.Answer(AskChaos(name)).has_value()) << name;
  }
  EXPECT_FALSE(own.Concerns(Ask("www.example", QType::kAny, QClass::kIn)));
}

TEST(OwnAnswersTest, IdentityAndVersionAreAnsweredIfSet) {
  const OwnAnswers own = Telling();
  EXPECT_EQ(own.identity(), "node-7");
  EXPECT_THAT(AnswerTo(own, AskChaos("id.server")), ElementsAre("id.server. 0 CH TXT \"node-7\""));
  EXPECT_THAT(AnswerTo(own, AskChaos("hostname.bind", QType::kAny)),
              ElementsAre("hostname.bind. 0 CH TXT \"node-7\""));
  EXPECT_THAT(AnswerTo(own, AskChaos("version.bind")),
              ElementsAre("version.bind. 0 CH TXT \"one\""));
  EXPECT_THAT(AnswerTo(own, AskChaos("version.server")),
              ElementsAre("version.server. 0 CH TXT \"one\""));
  EXPECT_THAT(AnswerTo(own, AskChaos("id.server", QType::kA)), IsEmpty());
  EXPECT_THAT(AnswerTo(own, AskChaos("authors.bind")), ElementsAre("REFUSED"));
}

TEST(OwnAnswersTest, IdentityAndVersionAreSetSeparately) {
  const OwnAnswers own({.identity = "node-7"});
  EXPECT_THAT(AnswerTo(own, AskChaos("version.bind")), ElementsAre("REFUSED"));
}

// RFC 8482 section 4.2.
TEST(OwnAnswersTest, AnyIsAnsweredWithOneHinfoIfSet) {
  const OwnAnswers own = Telling();
  const Question any = Ask("www.example", QType::kAny, QClass::kIn);
  EXPECT_TRUE(own.Concerns(any));
  EXPECT_THAT(AnswerTo(own, any), ElementsAre("www.example. 3600 IN HINFO \"RFC8482\" \"\""));
  EXPECT_FALSE(own.Concerns(Ask("www.example", QType::kA, QClass::kIn)));
}

TEST(OwnAnswersTest, LongestTextFits) {
  const OwnAnswers own({.identity = std::string(255, 'x')});
  EXPECT_EQ(AnswerTo(own, AskChaos("id.server")).size(), 1u);
}

}  // namespace
}  // namespace dotcache
