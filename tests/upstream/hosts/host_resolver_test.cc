// SPDX-License-Identifier: Apache-2.0
#include "upstream/hosts/host_resolver.h"

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/support/fake_exchanger.h"
#include "tests/support/message_builder.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

constexpr absl::string_view kHost = "dns.example.net";

class HostResolverTest : public testing::Test, protected HostResolver::Delegate {
 protected:
  // One host, without a port of the operator's unless it is given.
  void Make(uint16_t port = 0) {
    resolver_ = std::make_unique<HostResolver>(
        loop_, exchanger_, std::vector<HostResolver::Host>{{*DomainName::FromText(kHost), port}},
        random_, static_cast<HostResolver::Delegate&>(*this));
    resolver_->Start();
    EXPECT_TRUE(exchanger_.calls().empty());  // Never inside the call.
    loop_.RunUntilIdle();
  }

  void OnHostResolved(size_t, const std::vector<Endpoint>& addresses) override {
    events_.push_back(absl::StrJoin(addresses, " ", [](std::string* out, const Endpoint& address) {
      *out += address.ToString();
    }));
  }
  void OnHostUnresolved(size_t, const std::string& cause) override { events_.push_back(cause); }
  bool IsHostUseless(size_t) const override { return useless_; }

  // Answers the latest open question of this type.
  size_t Find(QType type) {
    for (size_t i = exchanger_.calls().size(); i-- > 0;) {
      const FakeExchanger::Call& call = exchanger_.calls()[i];
      if (call.query.question.qtype == type && call.callback.has_value()) return i;
    }
    ADD_FAILURE() << "not asked";
    return 0;
  }
  void AnswerA(absl::string_view address, uint32_t ttl = 300) {
    exchanger_.Respond(Find(QType::kA),
                       MakeResponse(kHost, QType::kA, {ARecord(kHost, ttl, address)}));
  }
  void Deny(QType type) {
    const std::string name(type == QType::kSvcb ? absl::StrCat("_dns.", kHost) : kHost);
    exchanger_.Respond(Find(type), MakeNegativeResponse(name, type, Rcode::kNoError,
                                                        SoaRecord("example.net", 60, 60)));
  }
  void Fail(QType type) { exchanger_.Fail(Find(type), ExchangeFailure::kUnreachable); }
  void Resolve(absl::string_view address, uint32_t ttl = 300) {
    AnswerA(address, ttl);
    Deny(QType::kAaaa);
    Deny(QType::kSvcb);
  }
  void FailAll() {
    for (QType type : {QType::kA, QType::kAaaa, QType::kSvcb}) Fail(type);
  }
  // Seconds until the next round begins, or -1 after two minutes.
  double UntilNextRound() {
    const size_t before = exchanger_.calls().size();
    for (int tenths = 0; tenths < 1200; ++tenths) {
      if (exchanger_.calls().size() > before) return tenths / 10.0;
      loop_.Advance(Milliseconds(100));
    }
    return -1;
  }

  SimulatedLoop loop_;
  FakeExchanger exchanger_;
  std::mt19937 random_{1};
  bool useless_ = false;
  std::vector<std::string> events_;
  std::unique_ptr<HostResolver> resolver_;
};

TEST_F(HostResolverTest, QueriesBothFamiliesAndTheServiceBindingAtOnce) {
  Make();
  ASSERT_EQ(exchanger_.calls().size(), 3u);
  EXPECT_EQ(exchanger_.calls()[0].query.question.ToString(), "dns.example.net. AAAA IN");
  EXPECT_EQ(exchanger_.calls()[1].query.question.ToString(), "dns.example.net. A IN");
  EXPECT_EQ(exchanger_.calls()[2].query.question.ToString(), "_dns.dns.example.net. SVCB IN");
  EXPECT_TRUE(resolver_->IsFirst(0));
  Resolve("192.0.2.1");
  EXPECT_EQ(events_, std::vector<std::string>{"192.0.2.1:853"});
  EXPECT_FALSE(resolver_->IsFirst(0));
}

TEST_F(HostResolverTest, APortOfTheOperatorsNeedsNoServiceBinding) {
  Make(8853);
  ASSERT_EQ(exchanger_.calls().size(), 2u);
  AnswerA("192.0.2.1");
  Deny(QType::kAaaa);
  EXPECT_EQ(events_, std::vector<std::string>{"192.0.2.1:8853"});
}

TEST_F(HostResolverTest, TheFirstAddressWaitsAShortTimeForTheOthers) {
  Make();
  AnswerA("192.0.2.1");
  loop_.Advance(Milliseconds(49));
  EXPECT_TRUE(events_.empty());
  loop_.Advance(Milliseconds(1));
  EXPECT_EQ(events_, std::vector<std::string>{"192.0.2.1:853"});
}

TEST_F(HostResolverTest, ResolvesAgainWhenTheTtlHasPassed) {
  Make();
  Resolve("192.0.2.1", 90);
  EXPECT_NEAR(UntilNextRound(), 90, 0.2);
  Resolve("192.0.2.2", 90);
  EXPECT_EQ(events_, (std::vector<std::string>{"192.0.2.1:853", "192.0.2.2:853"}));
}

TEST_F(HostResolverTest, RetriesWithBackOffAsLongAsItTakes) {
  Make();
  double expected = 1;
  for (int round = 0; round < 10; ++round) {
    FailAll();
    EXPECT_EQ(events_.size(), static_cast<size_t>(round) + 1);
    const double wait = UntilNextRound();
    EXPECT_GE(wait, expected * 0.74) << round;
    EXPECT_LE(wait, expected * 1.26 + 0.1) << round;
    expected = std::min(2 * expected, 60.0);
  }
  EXPECT_EQ(events_.back(), "no bootstrap server could be reached");
  Resolve("192.0.2.1");
  EXPECT_EQ(events_.back(), "192.0.2.1:853");
}

TEST_F(HostResolverTest, WhatFailsAtOnceIsRetried) {
  exchanger_.FailAtOnce(ExchangeFailure::kUnreachable);
  Make();
  EXPECT_EQ(events_, std::vector<std::string>{"no bootstrap server could be reached"});
  exchanger_.FailAtOnce(ExchangeFailure::kNone);
  EXPECT_LE(UntilNextRound(), 1.3);
}

TEST_F(HostResolverTest, AFamilyThatCannotBeResolvedKeepsItsAddresses) {
  Make();
  Resolve("192.0.2.1", 100);
  UntilNextRound();
  exchanger_.Respond(
      Find(QType::kAaaa),
      MakeResponse(
          kHost, QType::kAaaa,
          {{.owner = kHost, .type = QType::kAaaa, .ttl = 300, .rdata = AaaaRdata("2001:db8::1")}}));
  Fail(QType::kA);
  Deny(QType::kSvcb);
  EXPECT_EQ(events_.back(), "[2001:db8::1]:853 192.0.2.1:853");
  EXPECT_LE(UntilNextRound(), 60.1);  // One is still to be known.
}

TEST_F(HostResolverTest, ANameWithoutAddressesIsUnresolved) {
  Make();
  for (QType type : {QType::kA, QType::kAaaa, QType::kSvcb}) Deny(type);
  EXPECT_EQ(events_, std::vector<std::string>{"it has no address"});
}

TEST_F(HostResolverTest, UselessAddressesAreResolvedAgainWithBackOff) {
  Make();
  Resolve("192.0.2.1", 3600);
  useless_ = true;
  loop_.Advance(Seconds(60));
  resolver_->Hurry(0, Seconds(5));
  EXPECT_LE(UntilNextRound(), 0.1);
  Resolve("192.0.2.1", 3600);
  EXPECT_LE(UntilNextRound(), 1.3);
  useless_ = false;
  Resolve("192.0.2.2", 100);
  EXPECT_NEAR(UntilNextRound(), 100, 0.2);
}

TEST_F(HostResolverTest, HurryWaitsForItsInterval) {
  Make();
  FailAll();
  UntilNextRound();
  FailAll();
  UntilNextRound();
  FailAll();  // The next is 3 s or more away.
  resolver_->Hurry(0, Seconds(1));
  EXPECT_NEAR(UntilNextRound(), 1, 0.2);
  resolver_->Hurry(0, Seconds(0));  // A round is under way.
  EXPECT_EQ(exchanger_.calls().size(), 12u);
}

TEST_F(HostResolverTest, AfterStopNoQueryAndNoReport) {
  Make();
  resolver_->Stop();
  for (const FakeExchanger::Call& call : exchanger_.calls()) EXPECT_TRUE(call.cancelled);
  loop_.Advance(Seconds(600));
  EXPECT_EQ(exchanger_.calls().size(), 3u);
  EXPECT_TRUE(events_.empty());
}

}  // namespace
}  // namespace dotcache
