// SPDX-License-Identifier: Apache-2.0
#include "answer/alias_follower.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"

namespace dotcache {
namespace {

using Step = AliasFollower::Step;
using testing::ElementsAre;

constexpr HashSeed kSeed{1, 2};

DomainName Name(absl::string_view text) { return *DomainName::FromText(text); }
MonoTime At(int64_t seconds) { return MonoTime() + Seconds(1000 + seconds); }

class AliasFollowerTest : public testing::Test {
 protected:
  UpstreamResponse Response(const char* qname, std::vector<Record> answer,
                            Rcode rcode = Rcode::kNoError) {
    MessageBuilder builder;
    builder.Response(rcode).Question(qname, QType::kA);
    for (const Record& record : answer) builder.Answer(record);
    WireMessage wire = builder.Build();
    auto inspected = InspectResponse(wire, {Name(qname), QType::kA, QClass::kIn});
    return {std::move(wire), std::get<ResponseFacts>(std::move(inspected))};
  }
  CacheKey Key(const char* qname) {
    return CacheKey({Name(qname), QType::kA, QClass::kIn}, false, false, kSeed);
  }
  // The answer of a provider that leads into the private zone, followed at this time.
  AliasChain ChainInto(const char* target, MonoTime now, uint32_t ttl = 300) {
    AliasChain chain = AliasFollower::Begin(Key("www.example"), now);
    follower_.Add(chain, Response("www.example", {CnameRecord("www.example", ttl, target)}), now);
    return chain;
  }

  ResponseCache cache_{CacheOptions(), kSeed};
  const std::vector<DomainName> zones_ = {Name("."), Name("corp.example")};
  const ZoneNames zone_names_{zones_};
  AliasFollower follower_{cache_, nullptr, &zone_names_};
};

TEST_F(AliasFollowerTest, OnlyAnAliasThatLeadsElsewhereMakesAPart) {
  const Question question = {Name("www.example"), QType::kA, QClass::kIn};
  const auto into_zone =
      Response("www.example", {CnameRecord("www.example", 300, "a.corp.example")});
  EXPECT_TRUE(into_zone.facts.has_alias);
  EXPECT_TRUE(follower_.IsPart(into_zone, question));
  const auto within = Response("www.example", {CnameRecord("www.example", 300, "a.example"),
                                               ARecord("a.example", 300, "192.0.2.1")});
  EXPECT_TRUE(within.facts.has_alias);
  EXPECT_FALSE(follower_.IsPart(within, question));
  const auto data = Response("www.example", {ARecord("www.example", 300, "192.0.2.1")});
  EXPECT_FALSE(data.facts.has_alias);
}

TEST_F(AliasFollowerTest, RecordsOfTheOtherZoneAreNotUsed) {
  AliasChain chain = AliasFollower::Begin(Key("www.example"), At(5));
  follower_.Add(chain,
                Response("www.example", {CnameRecord("www.example", 300, "a.corp.example"),
                                         ARecord("a.corp.example", 300, "203.0.113.66")}),
                At(0));
  ASSERT_EQ(follower_.Collect(chain, At(0)), Step::kAsk);
  EXPECT_EQ(chain.next.qname, Name("a.corp.example"));
  follower_.Add(chain, Response("a.corp.example", {ARecord("a.corp.example", 20, "10.0.0.1")}),
                At(0));
  ASSERT_EQ(follower_.Collect(chain, At(0)), Step::kComplete);
  const auto joined = follower_.Join(chain, At(0));
  ASSERT_TRUE(joined.ok());
  EXPECT_THAT(
      ParsedMessage::Parse(joined->wire).answer,
      ElementsAre("www.example. 300 IN CNAME a.corp.example.", "a.corp.example. 20 IN A 10.0.0.1"));
}

TEST_F(AliasFollowerTest, ThePartIsFoundUntilATenthOfItsTimeIsLeft) {
  ChainInto("a.corp.example", At(0));
  for (const auto& [seconds, step_is_first] : {std::pair(269, false), {271, true}, {301, true}}) {
    AliasChain chain = AliasFollower::Begin(Key("www.example"), At(seconds));
    EXPECT_EQ(follower_.Collect(chain, At(seconds)), Step::kAsk);
    EXPECT_EQ(chain.parts.empty(), step_is_first) << seconds;
    EXPECT_EQ(follower_.HasPart(Key("www.example"), At(seconds)), seconds < 300) << seconds;
  }
  EXPECT_EQ(cache_.Lookup(Key("www.example"), At(1)).state, Found::State::kNothing);
  EXPECT_FALSE(follower_.HasPart(Key("other.example"), At(1)));
}

TEST_F(AliasFollowerTest, AliasesWithTtl0AreFollowedButNotKept) {
  AliasChain chain = ChainInto("a.corp.example", At(0), /*ttl=*/0);
  EXPECT_EQ(chain.parts.size(), 1u);
  AliasChain next = AliasFollower::Begin(Key("www.example"), At(0));
  EXPECT_EQ(follower_.Collect(next, At(0)), Step::kAsk);
  EXPECT_TRUE(next.parts.empty());
}

TEST_F(AliasFollowerTest, ALoopIsBroken) {
  AliasChain chain = ChainInto("a.corp.example", At(0));
  ASSERT_EQ(follower_.Collect(chain, At(0)), Step::kAsk);
  follower_.Add(
      chain, Response("a.corp.example", {CnameRecord("a.corp.example", 9, "www.example")}), At(0));
  EXPECT_EQ(follower_.Collect(chain, At(0)), Step::kBroken);
}

TEST_F(AliasFollowerTest, WithoutACacheTheChainIsFollowedToo) {
  CacheOptions off;
  off.budget_bytes = 0;
  ResponseCache no_cache(off, kSeed);
  AliasFollower follower(no_cache, nullptr, &zone_names_);
  AliasChain chain = AliasFollower::Begin(Key("www.example"), At(5));
  follower.Add(chain, Response("www.example", {CnameRecord("www.example", 300, "a.corp.example")}),
               At(0));
  EXPECT_EQ(follower.Collect(chain, At(0)), Step::kAsk);
  follower.Add(chain, Response("a.corp.example", {ARecord("a.corp.example", 20, "10.0.0.1")}),
               At(0));
  EXPECT_EQ(follower.Collect(chain, At(0)), Step::kComplete);
  EXPECT_TRUE(follower.Join(chain, At(0)).ok());
}

}  // namespace
}  // namespace dotcache
