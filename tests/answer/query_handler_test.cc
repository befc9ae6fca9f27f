// SPDX-License-Identifier: Apache-2.0
#include "answer/query_handler.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "local/local_data.h"
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

constexpr char kName[] = "www.example.com";

WireMessage QueryWithEdns(absl::string_view name = kName, uint16_t flags = 0) {
  return MessageBuilder().Question(name, QType::kA).Opt({.flags = flags}).Build();
}

WireMessage AnswerFor(absl::string_view name = kName, uint32_t ttl = 300) {
  return MakeResponse(name, QType::kA, {ARecord(name, ttl, "192.0.2.1")});
}

WireMessage ErrorFor(Rcode rcode) {
  return MessageBuilder().Response(rcode).Question(kName, QType::kA).Build();
}

class QueryHandlerTest : public HandlerTest {
 protected:
  void SetUp() override { Make(); }

  // Creates the handler. Called again after a change of the options.
  void Make() {
    handler_ = std::make_unique<QueryHandler>(QueryHandler::Environment{
        loop_, cache_, &exchanger_, access_, &local_names_, counters_, limits_});
  }

  HandleResult Handle(const WireMessage& message, const ReplyAddress& client = ClientAddress()) {
    return handler_->Handle(message, /*cut=*/false, client, sink_);
  }

  // The reply at `index`, counted from the latest.
  ParsedMessage Reply(size_t index_from_end = 0) {
    EXPECT_GT(sink_.replies().size(), index_from_end);
    if (sink_.replies().size() <= index_from_end) return {};
    const auto& reply = sink_.replies()[sink_.replies().size() - 1 - index_from_end];
    return ParsedMessage::Parse(reply.wire);
  }

  uint64_t responses(Rcode rcode) { return counters_.Replies(rcode); }

  const LocalNames local_names_{nullptr,
                                std::make_unique<LocalZones>(absl::Span<const DomainName>())};
};

TEST_F(QueryHandlerTest, MissIsForwardedAndAnswered) {
  EXPECT_EQ(Handle(MakeQuery("WWW.Example.com", QType::kA, 0xbeef)), HandleResult::kPending);
  EXPECT_EQ(handler_->pending_count(), 1u);
  ASSERT_EQ(exchanger_.calls().size(), 1u);
  const FakeExchanger::Call& call = exchanger_.calls()[0];
  EXPECT_EQ(call.query.question.ToString(), "www.example.com. A IN");
  EXPECT_FALSE(call.query.dnssec_ok);
  EXPECT_EQ(call.deadline, loop_.Now() + limits_.tuning.exchange_timeout);
  EXPECT_THAT(sink_.replies(), IsEmpty());

  exchanger_.Respond(0, AnswerFor());
  const ParsedMessage reply = Reply();
  EXPECT_EQ(reply.header.id, 0xbeef);
  EXPECT_EQ(reply.question, "WWW.Example.com. IN A");
  EXPECT_EQ(reply.answer.size(), 1u);
  EXPECT_TRUE(reply.Has(kFlagRa));
  EXPECT_FALSE(reply.has_edns);
  EXPECT_EQ(handler_->pending_count(), 0u);
}

TEST_F(QueryHandlerTest, HitIsAnsweredInsideTheCallWithoutUpstream) {
  Handle(MakeQuery(kName, QType::kA));
  exchanger_.Respond(0, AnswerFor());
  loop_.Advance(Seconds(100));
  EXPECT_EQ(Handle(MakeQuery(kName, QType::kA)), HandleResult::kReplied);
  EXPECT_EQ(exchanger_.calls().size(), 1u);
  EXPECT_THAT(Reply().answer, ElementsAre("www.example.com. 200 IN A 192.0.2.1"));
}

TEST_F(QueryHandlerTest, DoAndCdAreForwardedAndCachedSeparately) {
  Handle(QueryWithEdns());
  exchanger_.Respond(0, AnswerFor());
  EXPECT_EQ(Handle(QueryWithEdns(kName, kEdnsFlagDo)), HandleResult::kPending);
  EXPECT_EQ(Handle(MessageBuilder().Flags(kFlagRd | kFlagCd).Question(kName, QType::kA).Build()),
            HandleResult::kPending);
  ASSERT_EQ(exchanger_.calls().size(), 3u);
  EXPECT_TRUE(exchanger_.calls()[1].query.dnssec_ok);
  EXPECT_FALSE(exchanger_.calls()[1].query.checking_disabled);
  EXPECT_TRUE(exchanger_.calls()[2].query.checking_disabled);
}

TEST_F(QueryHandlerTest, ClientsWithOneQuestionShareOneExchangeAndGetTheirOwnReplies) {
  Handle(MakeQuery("www.example.com", QType::kA, 1), ClientAddress("192.0.2.1"));
  Handle(MakeQuery("WWW.EXAMPLE.COM", QType::kA, 2), ClientAddress("192.0.2.2"));
  EXPECT_EQ(exchanger_.calls().size(), 1u);
  EXPECT_EQ(counters_.coalesced_queries.value(), 1u);
  exchanger_.Respond(0, AnswerFor());
  ASSERT_EQ(sink_.replies().size(), 2u);
  EXPECT_EQ(sink_.replies()[0].address.client, ClientAddress("192.0.2.1").client);
  EXPECT_EQ(sink_.replies()[1].address.client, ClientAddress("192.0.2.2").client);
  EXPECT_EQ(Reply(1).header.id, 1);
  EXPECT_EQ(Reply(0).header.id, 2);
  EXPECT_EQ(Reply(1).question, "www.example.com. IN A");
  EXPECT_EQ(Reply(0).question, "WWW.EXAMPLE.COM. IN A");
}

TEST_F(QueryHandlerTest, FailedExchangeIsServFailWithItsCause) {
  const std::vector<std::pair<ExchangeFailure, ExtendedErrorCode>> cases = {
      {ExchangeFailure::kUnreachable, ExtendedErrorCode::kNoReachableAuthority},
      {ExchangeFailure::kTimeout, ExtendedErrorCode::kNetworkError},
      {ExchangeFailure::kMalformed, ExtendedErrorCode::kInvalidData},
      {ExchangeFailure::kLimit, ExtendedErrorCode::kOther},
      {ExchangeFailure::kLoop, ExtendedErrorCode::kOther}};
  for (const auto& [failure, code] : cases) {
    SCOPED_TRACE(ExchangeFailureText(failure));
    Handle(QueryWithEdns());
    exchanger_.Fail(exchanger_.calls().size() - 1, failure);
    EXPECT_EQ(Reply().rcode, Rcode::kServFail);
    EXPECT_EQ(Reply().extended_error, static_cast<uint16_t>(code));
    EXPECT_THAT(Reply().answer, IsEmpty());
    loop_.Advance(Seconds(300));  // No failure is cached for longer.
  }
  EXPECT_EQ(exchanger_.calls().size(), cases.size());
}

TEST_F(QueryHandlerTest, ClientWithoutEdnsGetsNoOptEvenOnFailure) {
  Handle(MakeQuery(kName, QType::kA));
  exchanger_.Fail(0, ExchangeFailure::kUnreachable);
  EXPECT_EQ(Reply().rcode, Rcode::kServFail);
  EXPECT_FALSE(Reply().has_edns);
}

TEST_F(QueryHandlerTest, ErrorOfUpstreamServersBecomesServFail) {
  for (const Rcode rcode : {Rcode::kServFail, Rcode::kRefused, Rcode::kNotImp, Rcode::kFormErr}) {
    SCOPED_TRACE(static_cast<int>(rcode));
    EXPECT_EQ(Handle(QueryWithEdns()), HandleResult::kPending);
    exchanger_.Respond(exchanger_.calls().size() - 1, ErrorFor(rcode));
    EXPECT_EQ(Reply().rcode, Rcode::kServFail);
    EXPECT_EQ(Reply().extended_error,
              static_cast<uint16_t>(ExtendedErrorCode::kNoReachableAuthority));
    loop_.Advance(Seconds(300));
  }
}

// The extended errors of a reply as "CODE TEXT", in order.
std::vector<std::string> ExtendedErrorsOf(const ParsedMessage& reply) {
  std::vector<std::string> errors;
  for (const auto& option : reply.options) {
    if (option.code != 15) continue;
    errors.push_back(absl::StrCat(LoadU16(option.data.data()), " ",
                                  std::string(option.data.begin() + 2, option.data.end())));
  }
  return errors;
}

TEST_F(QueryHandlerTest, ExtendedErrorOfUpstreamStandsBesideOursInAServFail) {
  const RawOpt opt = {.options = {{15, {0, 9, 'k', 'e', 'y'}}}};  // DNSKEY Missing.
  Handle(QueryWithEdns());
  exchanger_.Respond(
      0, MessageBuilder().Response(Rcode::kServFail).Question(kName, QType::kA).Opt(opt).Build());
  EXPECT_EQ(Reply().rcode, Rcode::kServFail);
  EXPECT_THAT(ExtendedErrorsOf(Reply()),
              ElementsAre("9 key", "22 upstream servers answered SERVFAIL"));
  Handle(QueryWithEdns());  // Remembered.
  EXPECT_THAT(ExtendedErrorsOf(Reply()),
              ElementsAre("9 key", "13 cached failure: No Reachable Authority"));
}

// RFC 8914 section 3: a forwarder may relay the extended errors that it received.
TEST_F(QueryHandlerTest, ExtendedErrorOfAnAnswerOrDenialIsRelayedAlsoFromTheCache) {
  for (const Rcode rcode : {Rcode::kNxDomain, Rcode::kNoError}) {
    SCOPED_TRACE(RcodeName(rcode));
    const RawOpt opt = {.options = {{15, {0, 15, 'a', 'd', 's'}}}};  // Blocked.
    Handle(QueryWithEdns());
    exchanger_.Respond(exchanger_.calls().size() - 1,
                       MessageBuilder()
                           .Response(rcode)
                           .Question(kName, QType::kA)
                           .Authority(SoaRecord("example.com", 900, 60))
                           .Opt(opt)
                           .Build());
    EXPECT_EQ(Reply().rcode, rcode);
    EXPECT_THAT(ExtendedErrorsOf(Reply()), ElementsAre("15 ads"));
    loop_.Advance(Seconds(10));
    Handle(QueryWithEdns());  // From the cache.
    EXPECT_THAT(ExtendedErrorsOf(Reply()), ElementsAre("15 ads"));
    Handle(MakeQuery(kName, QType::kA));
    EXPECT_FALSE(Reply().has_edns);
    loop_.Advance(Seconds(60));
    Handle(QueryWithEdns());
    exchanger_.Fail(exchanger_.calls().size() - 1, ExchangeFailure::kUnreachable);
    const std::string stale = rcode == Rcode::kNxDomain ? "19 " : "3 ";
    EXPECT_THAT(ExtendedErrorsOf(Reply()), ElementsAre("15 ads", stale));
    loop_.Advance(Seconds(300));
  }
}

TEST_F(QueryHandlerTest, YxDomainIsRelayed) {
  Handle(QueryWithEdns());
  exchanger_.Respond(0, ErrorFor(Rcode::kYxDomain));
  EXPECT_EQ(Reply().rcode, Rcode::kYxDomain);
}

TEST_F(QueryHandlerTest, NxDomainAndNoDataAreRelayedWithTheirSoa) {
  const Record soa = SoaRecord("example.com", 900, 60);
  Handle(MakeQuery(kName, QType::kA));
  exchanger_.Respond(0, MakeNegativeResponse(kName, QType::kA, Rcode::kNxDomain, soa));
  EXPECT_EQ(Reply().rcode, Rcode::kNxDomain);
  EXPECT_EQ(Reply().authority.size(), 1u);
  Handle(MakeQuery("other.example.com", QType::kAaaa));
  exchanger_.Respond(1,
                     MakeNegativeResponse("other.example.com", QType::kAaaa, Rcode::kNoError, soa));
  EXPECT_EQ(Reply().rcode, Rcode::kNoError);
  EXPECT_EQ(Reply().authority.size(), 1u);
}

TEST_F(QueryHandlerTest, UncacheableResponseUsesNoCacheMemory) {
  Handle(MakeQuery(kName, QType::kA));
  exchanger_.Respond(0, AnswerFor(kName, /*ttl=*/0));
  EXPECT_EQ(Reply().answer.size(), 1u);
  EXPECT_EQ(cache_.Stats().insertions, 0u);
}

TEST_F(QueryHandlerTest, AtTheLimitOfPendingQueriesTheClientGetsServFail) {
  limits_.max_pending_queries = 2;
  Make();
  Handle(MakeQuery("a.example", QType::kA));
  Handle(MakeQuery("b.example", QType::kA));
  EXPECT_EQ(Handle(QueryWithEdns("c.example")), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kServFail);
  EXPECT_EQ(Reply().extended_error, static_cast<uint16_t>(ExtendedErrorCode::kOther));
  EXPECT_EQ(exchanger_.calls().size(), 2u);
  EXPECT_EQ(counters_.limit(Limit::kPendingQueries).value(), 1u);

  exchanger_.Fail(0, ExchangeFailure::kUnreachable);
  EXPECT_EQ(Handle(QueryWithEdns("c.example")), HandleResult::kPending);
}

TEST_F(QueryHandlerTest, ClientAtItsLimitStillGetsCachedData) {
  limits_.max_pending_per_client = 1;
  Make();
  Handle(MakeQuery(kName, QType::kA));
  exchanger_.Respond(0, AnswerFor());
  EXPECT_EQ(Handle(MakeQuery("a.example", QType::kA)), HandleResult::kPending);
  EXPECT_EQ(Handle(MakeQuery("b.example", QType::kA)), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kServFail);
  EXPECT_EQ(Handle(MakeQuery(kName, QType::kA)), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kNoError);
}

TEST_F(QueryHandlerTest, AtTheLimitOfWaitersTheClientGetsServFail) {
  limits_.tuning.max_waiters_per_query = 2;
  Make();
  const auto query = [](uint16_t id) {
    return MessageBuilder().Id(id).Question(kName, QType::kA).Build();
  };
  EXPECT_EQ(Handle(query(1)), HandleResult::kPending);
  EXPECT_EQ(Handle(query(2)), HandleResult::kPending);
  EXPECT_EQ(Handle(query(3)), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kServFail);
  EXPECT_EQ(counters_.limit(Limit::kWaitersPerQuery).value(), 1u);
  exchanger_.Respond(0, AnswerFor());
  EXPECT_EQ(sink_.replies().size(), 3u);
}

TEST_F(QueryHandlerTest, FullExchangerIsServFailAndNothingStaysPending) {
  exchanger_.FailAtOnce(ExchangeFailure::kLimit);
  EXPECT_EQ(Handle(QueryWithEdns()), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kServFail);
  EXPECT_EQ(Reply().extended_error, static_cast<uint16_t>(ExtendedErrorCode::kOther));
  EXPECT_EQ(counters_.limit(Limit::kUpstream).value(), 1u);
  EXPECT_EQ(handler_->pending_count(), 0u);

  exchanger_.FailAtOnce(ExchangeFailure::kNone);
  EXPECT_EQ(Handle(QueryWithEdns()), HandleResult::kPending);
}

TEST_F(QueryHandlerTest, UnreachableServersAreServFailAtOnce) {
  exchanger_.FailAtOnce(ExchangeFailure::kUnreachable);
  EXPECT_EQ(Handle(QueryWithEdns()), HandleResult::kReplied);
  EXPECT_EQ(Reply().extended_error,
            static_cast<uint16_t>(ExtendedErrorCode::kNoReachableAuthority));
  EXPECT_EQ(counters_.limit(Limit::kUpstream).value(), 0u);
}

TEST_F(QueryHandlerTest, RefusedClientGetsNoCachedData) {
  Handle(MakeQuery(kName, QType::kA));
  exchanger_.Respond(0, AnswerFor());
  const WireMessage roomy =
      MessageBuilder().Question(kName, QType::kA).Opt({.options = {{65001, {1, 2}}}}).Build();
  EXPECT_EQ(Handle(roomy, ClientAddress("198.51.100.1")), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kRefused);
  EXPECT_EQ(Reply().extended_error, static_cast<uint16_t>(ExtendedErrorCode::kProhibited));
  EXPECT_THAT(Reply().answer, IsEmpty());
  EXPECT_EQ(counters_.refused_clients.value(), 1u);
  EXPECT_EQ(exchanger_.calls().size(), 1u);
}

TEST_F(QueryHandlerTest, RefusalIsNotLongerThanTheQuery) {
  const WireMessage query = QueryWithEdns();
  Handle(query, ClientAddress("198.51.100.1"));
  EXPECT_TRUE(Reply().has_edns);
  EXPECT_LE(sink_.replies().back().wire.size(), query.size());
}

TEST_F(QueryHandlerTest, RefusedClientGetsNoLocalAnswer) {
  Handle(MakeQuery("localhost", QType::kA), ClientAddress("198.51.100.1"));
  EXPECT_EQ(Reply().rcode, Rcode::kRefused);
}

TEST_F(QueryHandlerTest, MalformedMessageGetsFormErrOrNoReplyIfRefused) {
  const WireMessage two_questions =
      MessageBuilder().Question(kName, QType::kA).Question(kName, QType::kAaaa).Build();
  EXPECT_EQ(Handle(two_questions), HandleResult::kReplied);
  EXPECT_EQ(LoadHeader(sink_.replies().back().wire).header_rcode(), Rcode::kFormErr);
  EXPECT_EQ(Handle(two_questions, ClientAddress("198.51.100.1")), HandleResult::kDropped);
  EXPECT_EQ(sink_.replies().size(), 1u);
  const auto reason = static_cast<size_t>(RejectionReason::kQuestionCount);
  EXPECT_EQ(counters_.rejections[reason].value(), 2u);
  EXPECT_EQ(responses(Rcode::kFormErr), 1u);
}

TEST_F(QueryHandlerTest, ResponsesAndFragmentsGetNoReply) {
  EXPECT_EQ(Handle(AnswerFor()), HandleResult::kDropped);
  EXPECT_EQ(Handle(WireMessage(11, 0)), HandleResult::kDropped);
  EXPECT_EQ(Handle(WireMessage()), HandleResult::kDropped);
  EXPECT_THAT(sink_.replies(), IsEmpty());
  EXPECT_EQ(counters_.queries[static_cast<size_t>(Transport::kUdp)].value(), 3u);
}

TEST_F(QueryHandlerTest, CutDatagramIsNotServed) {
  const HandleResult result =
      handler_->Handle(MessageBuilder().Question(kName, QType::kA).Opt().Build(), /*cut=*/true,
                       ClientAddress(), sink_);
  EXPECT_EQ(result, HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kFormErr);
  EXPECT_TRUE(Reply().has_edns);
  EXPECT_THAT(exchanger_.calls(), IsEmpty());
  EXPECT_EQ(counters_.rejections[static_cast<size_t>(RejectionReason::kTrailingOctets)].value(),
            1u);
}

TEST_F(QueryHandlerTest, WithoutRdOnlyCachedDataIsAnswered) {
  const WireMessage query = MessageBuilder().Flags(0).Question(kName, QType::kA).Opt().Build();
  EXPECT_EQ(Handle(query), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kRefused);
  EXPECT_THAT(exchanger_.calls(), IsEmpty());

  Handle(MakeQuery(kName, QType::kA));
  exchanger_.Respond(0, AnswerFor());
  EXPECT_EQ(Handle(query), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kNoError);
  EXPECT_EQ(Reply().answer.size(), 1u);
  EXPECT_FALSE(Reply().Has(kFlagRd));
}

TEST_F(QueryHandlerTest, LocalZonesAreAnsweredLocally) {
  EXPECT_EQ(Handle(MakeQuery("LocalHost", QType::kA)), HandleResult::kReplied);
  EXPECT_THAT(Reply().answer, ElementsAre("LocalHost. 10800 IN A 127.0.0.1"));
  EXPECT_EQ(Reply().question, "LocalHost. IN A");
  EXPECT_EQ(Handle(MakeQuery("nas.home.arpa", QType::kA)), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kNxDomain);
  EXPECT_EQ(counters_.local_answers.value(), 2u);
  EXPECT_THAT(exchanger_.calls(), IsEmpty());
}

TEST_F(QueryHandlerTest, LocalRecordsAreAnsweredAndCountedSeparately) {
  const LocalNames names(LoadLocalData({.records = {"printer.example. A 10.0.0.7"}}).records,
                         nullptr);
  handler_ = std::make_unique<QueryHandler>(
      QueryHandler::Environment{loop_, cache_, &exchanger_, access_, &names, counters_, limits_});
  EXPECT_EQ(Handle(MakeQuery("Printer.example", QType::kA)), HandleResult::kReplied);
  EXPECT_THAT(Reply().answer, ElementsAre("Printer.example. 60 IN A 10.0.0.7"));
  EXPECT_EQ(counters_.local_record_answers.value(), 1u);
  EXPECT_EQ(counters_.local_answers.value(), 0u);
  EXPECT_EQ(Handle(MakeQuery("nas.home.arpa", QType::kA)), HandleResult::kPending);
  handler_.reset();  // Destroyed before `names`.
}

TEST_F(QueryHandlerTest, DisabledLocalZonesAreForwarded) {
  handler_ = std::make_unique<QueryHandler>(
      QueryHandler::Environment{loop_, cache_, &exchanger_, access_, nullptr, counters_, limits_});
  EXPECT_EQ(Handle(MakeQuery("nas.home.arpa", QType::kA)), HandleResult::kPending);
}

TEST_F(QueryHandlerTest, LargeReplyIsTruncatedOverUdpAndWholeOnAStream) {
  std::vector<Record> records;
  for (int i = 0; i < 100; ++i) records.push_back(ARecord(kName, 300, absl::StrCat("192.0.2.", i)));
  Handle(MakeQuery(kName, QType::kA));
  exchanger_.Respond(0, MakeResponse(kName, QType::kA, records));
  EXPECT_TRUE(Reply().Has(kFlagTc));
  EXPECT_EQ(Reply().answer.size(), 29u);  // 33 octets, and 16 per record, in 512.
  EXPECT_EQ(counters_.truncated_replies.value(), 1u);
  Handle(MakeQuery(kName, QType::kA), ClientAddress("192.0.2.7", Transport::kTcp));
  EXPECT_FALSE(Reply().Has(kFlagTc));
  EXPECT_EQ(Reply().answer.size(), 100u);
}

TEST_F(QueryHandlerTest, StreamClientsThatSendKeepaliveGetTheIdleTimeout) {
  const RawOpt keepalive = {.options = {{static_cast<uint16_t>(EdnsOption::kTcpKeepalive), {}}}};
  const WireMessage query =
      MessageBuilder().Question("localhost", QType::kA).Opt(keepalive).Build();
  Handle(query, ClientAddress("192.0.2.7", Transport::kDot));
  const ParsedMessage dot = Reply();
  const auto* option = dot.FindOption(EdnsOption::kTcpKeepalive);
  ASSERT_NE(option, nullptr);
  EXPECT_EQ(option->data, (WireMessage{0, 100}));  // 10 s.
  Handle(query, ClientAddress());
  EXPECT_THAT(Reply().options, IsEmpty());
}

TEST_F(QueryHandlerTest, CountsWhatItDoes) {
  Handle(MakeQuery(kName, QType::kA), ClientAddress("192.0.2.7", Transport::kTcp));
  EXPECT_EQ(counters_.pending_queries.value(), 1u);
  loop_.Advance(Milliseconds(30));
  exchanger_.Respond(0, AnswerFor());
  Handle(MakeQuery(kName, QType::kA), ClientAddress("192.0.2.7", Transport::kDot));
  EXPECT_EQ(counters_.queries[static_cast<size_t>(Transport::kTcp)].value(), 1u);
  EXPECT_EQ(counters_.queries[static_cast<size_t>(Transport::kDot)].value(), 1u);
  EXPECT_EQ(counters_.cache_misses.value(), 1u);
  EXPECT_EQ(counters_.cache_hits.value(), 1u);
  EXPECT_EQ(counters_.pending_queries.value(), 0u);
  EXPECT_EQ(responses(Rcode::kNoError), 2u);
  EXPECT_EQ(counters_.miss_duration.sum(), 30'000u);
}

TEST_F(QueryHandlerTest, ReplyToAClientThatIsGoneIsDropped) {
  Handle(MakeQuery(kName, QType::kA));
  sink_.Disconnect();
  exchanger_.Respond(0, AnswerFor());
  EXPECT_THAT(sink_.replies(), IsEmpty());
  EXPECT_EQ(cache_.Stats().entries, 1u);
}

TEST_F(QueryHandlerTest, DestructorCancelsExchanges) {
  Handle(MakeQuery("a.example", QType::kA));
  Handle(MakeQuery("b.example", QType::kA));
  handler_.reset();
  EXPECT_TRUE(exchanger_.calls()[0].cancelled);
  EXPECT_TRUE(exchanger_.calls()[1].cancelled);
  EXPECT_THAT(sink_.replies(), IsEmpty());
}

TEST_F(QueryHandlerTest, ReturnedLoopProbeIsNotForwarded) {
  LoopWatch loops(1);
  loops.Expect(0, 0xabc);
  handler_ = std::make_unique<QueryHandler>(
      QueryHandler::Environment{loop_, cache_, &exchanger_, access_, &local_names_, counters_,
                                limits_, nullptr, nullptr, &loops});
  const WireMessage probe = MessageBuilder()
                                .Question("0000000000000ABC._loop-check.corp.example", QType::kTxt)
                                .Opt({})
                                .Build();
  EXPECT_EQ(Handle(probe), HandleResult::kReplied);
  EXPECT_TRUE(loops.loops(0));
  EXPECT_EQ(Reply().rcode, Rcode::kNxDomain);
  EXPECT_THAT(exchanger_.calls(), IsEmpty());
  Handle(MakeQuery("0000000000000abd._loop-check.corp.example", QType::kTxt));
  EXPECT_EQ(exchanger_.calls().size(), 1u);  // A probe of another server.
}

}  // namespace
}  // namespace dotcache
