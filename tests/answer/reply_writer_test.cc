// SPDX-License-Identifier: Apache-2.0
#include "answer/reply_writer.h"

#include <set>
#include <string>
#include <variant>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"
#include "tests/support/recording_sink.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kName[] = "www.example.com";

class ReplyWriterTest : public testing::Test {
 protected:
  ReplyWriterTest() {
    query_ = std::get<Query>(ParseQuery(MessageBuilder().Question(kName, QType::kA).Opt().Build()));
    const WireMessage response = MakeResponse(kName, QType::kA, {ARecord(kName, 300, "192.0.2.1")});
    const auto facts = std::get<ResponseFacts>(InspectResponse(response, query_.question));
    entry_ = MakeCacheEntry(StoreResponse(response, facts, TtlCaps{}), EntryFacts{}, MonoTime{},
                            Seconds{300});
  }

  ParsedMessage Reply() {
    EXPECT_EQ(sink_.replies().size(), 1u);
    return sink_.replies().empty() ? ParsedMessage{}
                                   : ParsedMessage::Parse(sink_.replies()[0].wire);
  }

  Client client() { return {query_, address_, sink_}; }

  WorkerCounters counters_;
  ServerLimits limits_;
  ReplyWriter replies_{counters_, limits_, Seconds{30}};
  Query query_;
  ReplyAddress address_;
  RecordingSink sink_;
  CacheEntryRef entry_;
};

TEST_F(ReplyWriterTest, FreshDataHasItsAgeSubtracted) {
  replies_.SendCached(client(), *entry_, MonoTime{Milliseconds{100'900}});
  EXPECT_THAT(Reply().answer, ElementsAre("www.example.com. 200 IN A 192.0.2.1"));
  EXPECT_FALSE(Reply().extended_error.has_value());
  EXPECT_EQ(counters_.stale_answers.value(), 0u);
}

// The first addresses of eight replies from an entry with two addresses.
std::set<std::string> FirstAddresses(const ServerLimits& limits) {
  const Query query =
      std::get<Query>(ParseQuery(MessageBuilder().Question(kName, QType::kA).Build()));
  const WireMessage response = MakeResponse(
      kName, QType::kA, {ARecord(kName, 300, "192.0.2.1"), ARecord(kName, 300, "192.0.2.2")});
  const auto facts = std::get<ResponseFacts>(InspectResponse(response, query.question));
  const CacheEntryRef entry = MakeCacheEntry(StoreResponse(response, facts, TtlCaps{}),
                                             EntryFacts{}, MonoTime{}, Seconds{300});
  WorkerCounters counters;
  ReplyWriter replies(counters, limits, Seconds{30});
  const ReplyAddress address;
  RecordingSink sink;
  for (int i = 0; i < 8; ++i) replies.SendCached({query, address, sink}, *entry, MonoTime{});
  std::set<std::string> first;
  for (const auto& reply : sink.replies()) {
    first.insert(ParsedMessage::Parse(reply.wire).answer.at(0));
  }
  return first;
}

TEST(ReplyWriterRotationTest, RepliesFromTheCacheBeginWithEachAddress) {
  EXPECT_EQ(FirstAddresses(ServerLimits{}).size(), 2u);
}

TEST(ReplyWriterRotationTest, WithoutRotationTheOrderStays) {
  ServerLimits limits;
  limits.rotate = false;
  EXPECT_THAT(FirstAddresses(limits), ElementsAre("www.example.com. 300 IN A 192.0.2.1"));
}

TEST_F(ReplyWriterTest, StaleDataIsMarkedAndHasTheStaleTtl) {
  replies_.SendCached(client(), *entry_, MonoTime{Seconds{300}});
  EXPECT_THAT(Reply().answer, ElementsAre("www.example.com. 30 IN A 192.0.2.1"));
  EXPECT_EQ(Reply().extended_error, static_cast<uint16_t>(ExtendedErrorCode::kStaleAnswer));
  EXPECT_EQ(counters_.stale_answers.value(), 1u);
}

TEST_F(ReplyWriterTest, ErrorHasNoRecordsAndIsCounted) {
  replies_.SendError(client(), Rcode::kServFail, {ExtendedErrorCode::kNetworkError, "text"});
  EXPECT_EQ(Reply().rcode, Rcode::kServFail);
  EXPECT_THAT(Reply().answer, IsEmpty());
  EXPECT_EQ(Reply().extended_error, static_cast<uint16_t>(ExtendedErrorCode::kNetworkError));
  EXPECT_EQ(counters_.Replies(Rcode::kServFail), 1u);
}

TEST_F(ReplyWriterTest, KeepaliveIsForStreams) {
  EXPECT_FALSE(replies_.OptionsFor(address_).keepalive_timeout_100ms.has_value());
  address_.transport = Transport::kTcp;
  EXPECT_EQ(replies_.OptionsFor(address_).keepalive_timeout_100ms, 100);
}

TEST_F(ReplyWriterTest, ErrorRepliesOverDotArePadded) {
  const WireMessage message = MessageBuilder()
                                  .Question(kName, QType::kAxfr)
                                  .Opt({.options = {{12, WireMessage(8)}}})  // Padding.
                                  .Build();
  const auto rejection = std::get<Rejection>(ParseQuery(message));
  address_.transport = Transport::kDot;
  EXPECT_TRUE(replies_.SendRejection(message, rejection, address_, sink_));
  EXPECT_EQ(Reply().size, 468u);  // RFC 8467 section 4.2.
}

TEST_F(ReplyWriterTest, RefusedHasNoRaAndServfailHas) {
  replies_.SendError(client(), Rcode::kRefused, {});
  EXPECT_FALSE(Reply().Has(kFlagRa));
  replies_.SendError(client(), Rcode::kServFail, {});
  EXPECT_TRUE(ParsedMessage::Parse(sink_.replies().back().wire).Has(kFlagRa));
}

TEST_F(ReplyWriterTest, ClientThatIsGoneGetsNoReply) {
  sink_.Disconnect();
  replies_.SendCached(client(), *entry_, MonoTime{});
  replies_.SendError(client(), Rcode::kServFail, {});
  EXPECT_FALSE(replies_.SendRejection(WireMessage(12), {.reply = true}, address_, sink_));
  EXPECT_THAT(sink_.replies(), IsEmpty());
}

}  // namespace
}  // namespace dotcache
