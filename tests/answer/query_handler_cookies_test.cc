// SPDX-License-Identifier: Apache-2.0
// Tests QueryHandler: cookies, and the answers about this server.
#include <memory>
#include <string>

#include "answer/query_handler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/answer/handler_test_support.h"
#include "tests/support/fake_exchanger.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"
#include "tests/support/recording_sink.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kName[] = "www.example.com";
constexpr CookieSecrets kSecrets{HashSeed{1, 2}};
const WireMessage kClientCookie = {1, 2, 3, 4, 5, 6, 7, 8};

WireMessage Ask(const WireMessage& cookie, QType qtype = QType::kA) {
  return MessageBuilder().Question(kName, qtype).Opt({.options = {{10, cookie}}}).Build();
}

WireMessage AnswerOf(QType qtype = QType::kA) {
  return MakeResponse(kName, qtype, {ARecord(kName, 300, "192.0.2.1")});
}

class OwnReactionsTest : public HandlerTest {
 protected:
  void Make(CookieMode mode, OwnAnswersOptions own = {}) {
    cookies_ = std::make_unique<ClientCookies>(mode, kSecrets);
    own_answers_ = std::make_unique<OwnAnswers>(std::move(own));
    MakeHandler(nullptr);
  }
  void MakeHandler(ReplyRate* rate) {
    handler_ =
        std::make_unique<QueryHandler>(QueryHandler::Environment{.loop = loop_,
                                                                 .cache = cache_,
                                                                 .exchanger = &exchanger_,
                                                                 .access = access_,
                                                                 .local_names = nullptr,
                                                                 .counters = counters_,
                                                                 .limits = limits_,
                                                                 .cookies = cookies_.get(),
                                                                 .own_answers = own_answers_.get(),
                                                                 .reply_rate = rate});
  }

  HandleResult Handle(const WireMessage& message, Transport transport = Transport::kUdp) {
    return handler_->Handle(message, /*cut=*/false, ClientAddress("192.0.2.7", transport), sink_);
  }

  ParsedMessage Reply() { return ParsedMessage::Parse(sink_.replies().back().wire); }

  WireMessage CookieOf(const ParsedMessage& reply) {
    const ParsedMessage::Option* option = reply.FindOption(EdnsOption::kCookie);
    return option == nullptr ? WireMessage() : option->data;
  }

  uint64_t rejections(RejectionReason reason) {
    return counters_.rejections[static_cast<size_t>(reason)].value();
  }

  std::unique_ptr<ClientCookies> cookies_;
  std::unique_ptr<OwnAnswers> own_answers_;
};

TEST_F(OwnReactionsTest, MissesHitsAndErrorsCarryTheCookie) {
  Make(CookieMode::kOn);
  Handle(Ask(kClientCookie));
  EXPECT_TRUE(exchanger_.calls().size() == 1 && sink_.replies().empty());
  exchanger_.Respond(0, AnswerOf());
  const WireMessage cookie = CookieOf(Reply());
  ASSERT_EQ(cookie.size(), 24u);
  EXPECT_TRUE(std::equal(kClientCookie.begin(), kClientCookie.end(), cookie.begin()));

  Handle(Ask(cookie));
  EXPECT_EQ(counters_.cache_hits.value(), 1u);
  EXPECT_EQ(CookieOf(Reply()), cookie) << "a valid cookie is returned unchanged";

  exchanger_.FailAtOnce(ExchangeFailure::kUnreachable);
  Handle(Ask(kClientCookie, QType::kMx));
  EXPECT_EQ(Reply().rcode, Rcode::kServFail);
  EXPECT_EQ(CookieOf(Reply()), cookie);
}

TEST_F(OwnReactionsTest, CookieIsRenewedAfterHalfAnHour) {
  Make(CookieMode::kOn);
  Handle(Ask(kClientCookie));
  exchanger_.Respond(0, AnswerOf());
  const WireMessage cookie = CookieOf(Reply());
  loop_.Advance(Seconds(1801));
  Handle(Ask(cookie));
  exchanger_.Respond(1, AnswerOf());
  EXPECT_EQ(CookieOf(Reply()).size(), 24u);
  EXPECT_NE(CookieOf(Reply()), cookie);
}

TEST_F(OwnReactionsTest, QueryWithoutCookieGetsNone) {
  Make(CookieMode::kOn);
  Handle(MessageBuilder().Question(kName, QType::kA).Opt().Build());
  exchanger_.Respond(0, AnswerOf());
  EXPECT_THAT(Reply().options, IsEmpty());
}

TEST_F(OwnReactionsTest, ClientLearnsARequiredCookieInOneRoundTrip) {
  Make(CookieMode::kRequired);
  EXPECT_EQ(Handle(Ask(kClientCookie)), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kBadCookie);
  EXPECT_EQ(rejections(RejectionReason::kBadCookie), 1u);
  EXPECT_EQ(counters_.Replies(Rcode::kBadCookie), 1u);
  EXPECT_THAT(exchanger_.calls(), IsEmpty());
  EXPECT_EQ(Handle(Ask(CookieOf(Reply()))), HandleResult::kPending);
}

TEST_F(OwnReactionsTest, QueryWithoutARequiredCookieGetsTc) {
  Make(CookieMode::kRequired);
  const WireMessage query = MakeQuery(kName, QType::kA);
  Handle(query);
  EXPECT_TRUE(Reply().Has(kFlagTc));
  EXPECT_EQ(Reply().rcode, Rcode::kNoError);
  EXPECT_EQ(sink_.replies().back().wire.size(), query.size());
  EXPECT_EQ(rejections(RejectionReason::kNoCookie), 1u);
  EXPECT_EQ(counters_.truncated_replies.value(), 1u);
  EXPECT_EQ(Handle(query, Transport::kTcp), HandleResult::kPending);
}

// The source address of the query may be spoofed.
TEST_F(OwnReactionsTest, WithoutAValidCookieTheReplyIsNotLongerThanQueryPlusCookie) {
  Make(CookieMode::kRequired, {.identity = std::string(255, 'i')});
  const RawOption nsid = {3, {}};
  const RawOption cookie = {10, kClientCookie};
  for (const WireMessage& query :
       {MessageBuilder().Question(kName, QType::kA).Opt({.options = {nsid}}).Build(),
        MessageBuilder().Question(kName, QType::kA).Opt({.options = {nsid, cookie}}).Build(),
        MessageBuilder().Opt({.options = {nsid, cookie}}).Build()}) {
    Handle(query);
    EXPECT_TRUE(Reply().has_edns);
    EXPECT_LE(sink_.replies().back().wire.size(), query.size() + CookieOf(Reply()).size() / 3 * 2);
  }
}

TEST_F(OwnReactionsTest, RefusalWithoutRdIsNotLongerThanQueryPlusCookie) {
  Make(CookieMode::kOn, {.identity = std::string(255, 'i')});
  for (const auto& options : std::vector<std::vector<RawOption>>{
           {}, {{3, {}}}, {{10, kClientCookie}}, {{3, {}}, {10, kClientCookie}}}) {
    const WireMessage query =
        MessageBuilder().Flags(0).Question(kName, QType::kA).Opt({.options = options}).Build();
    Handle(query);
    EXPECT_EQ(Reply().rcode, Rcode::kRefused);
    EXPECT_TRUE(Reply().has_edns);
    const bool has_cookie = !options.empty() && options.back().code == 10;
    EXPECT_EQ(CookieOf(Reply()).size(), has_cookie ? 24u : 0u);
    EXPECT_LE(sink_.replies().back().wire.size(), query.size() + (has_cookie ? 16 : 0));
    Handle(query, Transport::kTcp);
    EXPECT_EQ(Reply().extended_error, static_cast<uint16_t>(ExtendedErrorCode::kOther));
  }
}

TEST_F(OwnReactionsTest, QueryWithOnlyACookieIsAnswered) {
  const WireMessage probe = MessageBuilder().Opt({.options = {{10, kClientCookie}}}).Build();
  Make(CookieMode::kOn);
  EXPECT_EQ(Handle(probe), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kNoError);
  EXPECT_EQ(Reply().header.qdcount, 0);
  WireMessage cookie = CookieOf(Reply());
  ASSERT_EQ(cookie.size(), 24u);
  cookie.back() = static_cast<uint8_t>(cookie.back() ^ 1);
  Handle(MessageBuilder().Opt({.options = {{10, cookie}}}).Build());
  EXPECT_EQ(Reply().rcode, Rcode::kBadCookie);

  Make(CookieMode::kOff);
  Handle(probe);
  EXPECT_EQ(Reply().rcode, Rcode::kFormErr);
  EXPECT_EQ(rejections(RejectionReason::kQuestionCount), 1u);
}

TEST_F(OwnReactionsTest, ChaosIsAnsweredOrRefusedAndNeverForwarded) {
  const WireMessage query =
      MessageBuilder().Question("id.server", QType::kTxt, QClass::kChaos).Build();
  Make(CookieMode::kOn);
  Handle(query);
  EXPECT_EQ(Reply().rcode, Rcode::kRefused);
  EXPECT_EQ(sink_.replies().back().wire.size(), query.size());
  EXPECT_EQ(rejections(RejectionReason::kClass), 1u);
  Make(CookieMode::kOn, {.identity = "node-7"});
  Handle(query);
  EXPECT_THAT(Reply().answer, ElementsAre("id.server. 0 CH TXT \"node-7\""));
  EXPECT_THAT(exchanger_.calls(), IsEmpty());
}

TEST_F(OwnReactionsTest, NsidNamesTheServerOnRequest) {
  const auto query =
      MessageBuilder().Question(kName, QType::kA).Opt({.options = {{3, {}}}}).Build();
  Make(CookieMode::kOn, {.identity = "node-7"});
  Handle(query);
  exchanger_.Respond(0, AnswerOf());
  ASSERT_NE(Reply().FindOption(EdnsOption::kNsid), nullptr);
  const WireMessage said = Reply().FindOption(EdnsOption::kNsid)->data;
  EXPECT_EQ(std::string(said.begin(), said.end()), "node-7");
  Make(CookieMode::kOn);
  Handle(query);
  EXPECT_THAT(Reply().options, IsEmpty());
}

TEST_F(OwnReactionsTest, ChaosRepliesOverUdpAreAtMostTwiceAsLongAsTheQuery) {
  Make(CookieMode::kOn, {.identity = std::string(255, 'i'), .version_text = "1.0"});
  for (const char* name : {"id.server", "version.bind"}) {
    const WireMessage query = MessageBuilder().Question(name, QType::kTxt, QClass::kChaos).Build();
    Handle(query);
    EXPECT_LE(sink_.replies().back().wire.size(), 2 * query.size());
    EXPECT_EQ(Reply().header.Has(kFlagTc), std::string(name) == "id.server");
    Handle(query, Transport::kTcp);
    EXPECT_EQ(Reply().answer.size(), 1u);
    const WireMessage any = MessageBuilder().Question(name, QType::kAny, QClass::kChaos).Build();
    Handle(any);
    EXPECT_LE(sink_.replies().back().wire.size(), 2 * any.size());
  }
}

TEST_F(OwnReactionsTest, QueriesAboveTheReplyRateGetTruncatedRepliesOrNone) {
  ReplyRate rate({.per_second = 1, .slip = 1});
  cookies_ = std::make_unique<ClientCookies>(CookieMode::kOn, kSecrets);
  MakeHandler(&rate);
  const WireMessage query = MakeQuery(kName, QType::kA);
  Handle(query);
  exchanger_.Respond(0, AnswerOf());
  EXPECT_EQ(Handle(query), HandleResult::kReplied);
  EXPECT_FALSE(Reply().header.Has(kFlagTc));
  EXPECT_EQ(Handle(query), HandleResult::kReplied);
  EXPECT_TRUE(Reply().header.Has(kFlagTc));
  EXPECT_LE(sink_.replies().back().wire.size(), query.size());
  EXPECT_EQ(rejections(RejectionReason::kReplyRate), 1u);
  // A real client retries over TCP, or has learned its cookie.
  Handle(query, Transport::kTcp);
  EXPECT_THAT(Reply().answer, SizeIs(1));
  Handle(Ask(kClientCookie));
  EXPECT_TRUE(Reply().header.Has(kFlagTc));
  const WireMessage cookie = CookieOf(Reply());
  Handle(Ask(cookie));
  EXPECT_THAT(Reply().answer, SizeIs(1));
  // Without truncated replies, nothing is sent.
  ReplyRate drops({.per_second = 1, .slip = 0});
  MakeHandler(&drops);
  EXPECT_EQ(Handle(query), HandleResult::kReplied);
  EXPECT_EQ(Handle(query), HandleResult::kReplied);
  const size_t sent = sink_.replies().size();
  EXPECT_EQ(Handle(query), HandleResult::kDropped);
  EXPECT_EQ(sink_.replies().size(), sent);
}

TEST_F(OwnReactionsTest, AnyIsForwardedOrAnsweredWithOneHinfo) {
  const WireMessage query = MakeQuery(kName, QType::kAny);
  Make(CookieMode::kOn, {.minimal_any = true});
  Handle(query);
  EXPECT_THAT(Reply().answer, ElementsAre("www.example.com. 3600 IN HINFO \"RFC8482\" \"\""));
  EXPECT_THAT(exchanger_.calls(), IsEmpty());
  Make(CookieMode::kOn);
  EXPECT_EQ(Handle(query), HandleResult::kPending);
}

}  // namespace
}  // namespace dotcache
