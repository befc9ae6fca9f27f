// SPDX-License-Identifier: Apache-2.0
#include "answer/reply_rate.h"

#include <map>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

using Verdict = ReplyRate::Verdict;

constexpr MonoTime kStart{Seconds(1000)};

Endpoint Client(const char* address) { return *Endpoint::ParseAddress(address, 4711); }

Question Ask(const char* name, QType qtype = QType::kA) {
  Question question;
  question.qname = DomainName::FromText(name).value();
  question.qtype = qtype;
  question.qclass = QClass::kIn;
  return question;
}

// Asks `count` times, 1 us after each other, and counts the verdicts.
std::map<Verdict, int> JudgeAll(ReplyRate& rate, const char* client, const Question& question,
                                int count, MonoTime from = kStart) {
  std::map<Verdict, int> verdicts;
  for (int i = 0; i < count; ++i) {
    ++verdicts[rate.Judge(Client(client), question, from + std::chrono::microseconds(i))];
  }
  return verdicts;
}

TEST(ReplyRateTest, EqualRepliesToOneNetworkHaveABurstAndARate) {
  ReplyRate rate({.per_second = 10, .slip = 0});
  EXPECT_EQ(JudgeAll(rate, "192.0.2.1", Ask("a.example"), 30)[Verdict::kReply], 20);
  EXPECT_EQ(JudgeAll(rate, "192.0.2.99", Ask("a.example"), 10)[Verdict::kReply], 0);
  EXPECT_EQ(JudgeAll(rate, "192.0.2.1", Ask("a.example"), 9, kStart + Seconds(1))[Verdict::kReply],
            9);
}

TEST(ReplyRateTest, OtherAnswersAndOtherNetworksAreNotAffected) {
  ReplyRate rate({.per_second = 1, .slip = 0});
  JudgeAll(rate, "192.0.2.1", Ask("a.example"), 100);
  EXPECT_EQ(rate.Judge(Client("192.0.2.1"), Ask("b.example"), kStart), Verdict::kReply);
  EXPECT_EQ(rate.Judge(Client("192.0.2.1"), Ask("a.example", QType::kAaaa), kStart),
            Verdict::kReply);
  EXPECT_EQ(rate.Judge(Client("192.0.3.1"), Ask("a.example"), kStart), Verdict::kReply);
  EXPECT_EQ(rate.Judge(Client("192.0.2.1"), Ask("a.example"), kStart), Verdict::kDrop);
}

TEST(ReplyRateTest, Ipv6NetworkHas56Bits) {
  ReplyRate rate({.per_second = 1, .slip = 0});
  JudgeAll(rate, "2001:db8:0:1::1", Ask("a.example"), 10);
  EXPECT_EQ(rate.Judge(Client("2001:db8:0:ff::2"), Ask("a.example"), kStart), Verdict::kDrop);
  EXPECT_EQ(rate.Judge(Client("2001:db8:0:100::1"), Ask("a.example"), kStart), Verdict::kReply);
  JudgeAll(rate, "::ffff:192.0.2.1", Ask("a.example"), 10);
  EXPECT_EQ(rate.Judge(Client("192.0.2.2"), Ask("a.example"), kStart), Verdict::kDrop);
}

TEST(ReplyRateTest, AllRepliesToOneNetworkHaveALimit) {
  ReplyRate rate({.per_second = 10, .slip = 0});
  int replies = 0;
  for (int i = 0; i < 1000; ++i) {
    const Question question = Ask(("n" + std::to_string(i) + ".example").c_str());
    replies += rate.Judge(Client("192.0.2.1"), question, kStart) == Verdict::kReply ? 1 : 0;
  }
  EXPECT_EQ(replies, 2 * ReplyRate::kAllFactor * 10);
}

TEST(ReplyRateTest, FloodForOneAnswerLeavesTokensOfTheNetwork) {
  ReplyRate rate({.per_second = 1, .slip = 0});
  JudgeAll(rate, "192.0.2.1", Ask("a.example"), 10'000);
  int replies = 0;
  for (int i = 0; i < 30; ++i) {
    const Question question = Ask(("n" + std::to_string(i) + ".example").c_str());
    replies += rate.Judge(Client("192.0.2.1"), question, kStart) == Verdict::kReply ? 1 : 0;
  }
  EXPECT_EQ(replies, 30);
}

TEST(ReplyRateTest, LoopbackHasNoLimit) {
  ReplyRate rate({.per_second = 1, .slip = 0});
  for (const char* client : {"127.0.0.1", "127.9.8.7", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(JudgeAll(rate, client, Ask("a.example"), 100)[Verdict::kReply], 100) << client;
  }
}

TEST(ReplyRateTest, SlipTruncatesAShare) {
  ReplyRate half({.per_second = 1, .slip = 2});
  auto verdicts = JudgeAll(half, "192.0.2.1", Ask("a.example"), 10'002);
  EXPECT_NEAR(verdicts[Verdict::kTruncate], 5000, 500);
  EXPECT_EQ(verdicts[Verdict::kReply], 2);
  ReplyRate all({.per_second = 1, .slip = 1});
  verdicts = JudgeAll(all, "192.0.2.1", Ask("a.example"), 102);
  EXPECT_EQ(verdicts[Verdict::kTruncate], 100);
}

// A client that retries at a fixed interval gets its truncated reply soon.
TEST(ReplyRateTest, RetriesOfAClientAreNotInStepWithTheDrops) {
  ReplyRate rate({.per_second = 1, .slip = 2});
  for (int second = 0; second < 20; ++second) {
    const MonoTime now = kStart + Seconds(second);
    JudgeAll(rate, "192.0.2.1", Ask("a.example"), 100, now);  // A flood.
  }
  int longest = 0;
  int drops = 0;
  for (int i = 0; i < 200; ++i) {
    const MonoTime now = kStart + Seconds(19) + Milliseconds(i);
    const bool dropped = rate.Judge(Client("192.0.2.7"), Ask("a.example"), now) == Verdict::kDrop;
    drops = dropped ? drops + 1 : 0;
    longest = std::max(longest, drops);
  }
  EXPECT_LT(longest, 40);
}

TEST(ReplyRateTest, OtherOptionsAreUsedFromTheNextQueryOn) {
  ReplyRate rate({.per_second = 0, .slip = 0});
  rate.Use({.per_second = 1, .slip = 1});
  EXPECT_TRUE(rate.enabled());
  const auto verdicts = JudgeAll(rate, "192.0.2.1", Ask("a.example"), 10);
  EXPECT_EQ(verdicts.at(Verdict::kReply), 2);
  EXPECT_EQ(verdicts.at(Verdict::kTruncate), 8);
  rate.Use({.per_second = 0, .slip = 1});
  EXPECT_FALSE(rate.enabled());
}

TEST(ReplyRateTest, ZeroIsNoLimit) {
  EXPECT_FALSE(ReplyRate({.per_second = 0}).enabled());
  EXPECT_TRUE(ReplyRate({.per_second = 1}).enabled());
}

}  // namespace
}  // namespace dotcache
