// SPDX-License-Identifier: Apache-2.0
// Tests QueryHandler: access rules and the rates of clients.
#include <memory>
#include <string>
#include <vector>

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

constexpr auto kProhibited = static_cast<uint16_t>(ExtendedErrorCode::kProhibited);
constexpr CookieSecrets kSecrets{HashSeed{1, 2}};

AccessRule Rule(AccessAction action, const char* network, const char* zone = nullptr) {
  AccessRule rule;
  rule.action = action;
  rule.networks = {*AddressPrefix::Parse(network)};
  if (zone != nullptr) rule.zones = {*DomainName::FromText(zone)};
  return rule;
}

class QueryHandlerAccessTest : public HandlerTest {
 protected:
  void Make(const std::vector<AccessRule>& rules, const ClientRateOptions& rate = {}) {
    policy_ = std::make_unique<AccessPolicy>(
        std::vector<AddressPrefix>{*AddressPrefix::Parse("192.0.2.0/24")}, rules);
    rate_ = std::make_unique<ClientRate>(rate, policy_->client_rates());
    cookies_ = std::make_unique<ClientCookies>(CookieMode::kOn, kSecrets);
    handler_ = std::make_unique<QueryHandler>(
        QueryHandler::Environment{.loop = loop_,
                                  .cache = cache_,
                                  .exchanger = &exchanger_,
                                  .access = *policy_,
                                  .local_names = nullptr,
                                  .counters = counters_,
                                  .limits = limits_,
                                  .cookies = cookies_.get(),
                                  .client_rate = rate_->enabled() ? rate_.get() : nullptr});
  }

  HandleResult Ask(absl::string_view client, absl::string_view name = "a.example",
                   Transport transport = Transport::kUdp,
                   const std::vector<RawOption>& options = {}) {
    const WireMessage query =
        MessageBuilder().Question(name, QType::kA).Opt({.options = options}).Build();
    return handler_->Handle(query, /*cut=*/false, ClientAddress(client, transport), sink_);
  }

  ParsedMessage Reply() {
    EXPECT_FALSE(sink_.replies().empty());
    return sink_.replies().empty() ? ParsedMessage()
                                   : ParsedMessage::Parse(sink_.replies().back().wire);
  }

  std::unique_ptr<AccessPolicy> policy_;
  std::unique_ptr<ClientRate> rate_;
  std::unique_ptr<ClientCookies> cookies_;
};

TEST_F(QueryHandlerAccessTest, RuleRefusesWithAnExtendedErrorOverAStream) {
  Make({Rule(AccessAction::kRefuse, "192.0.2.7")});
  EXPECT_EQ(Ask("192.0.2.7", "a.example", Transport::kTcp), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kRefused);
  EXPECT_EQ(Reply().extended_error, kProhibited);
  EXPECT_EQ(counters_.refused_clients.value(), 1u);
  EXPECT_EQ(Ask("192.0.2.8"), HandleResult::kPending);
}

TEST_F(QueryHandlerAccessTest, RuleDropsWithoutAReply) {
  Make({Rule(AccessAction::kDrop, "192.0.2.7")});
  for (const Transport transport : {Transport::kUdp, Transport::kTcp, Transport::kDot}) {
    EXPECT_EQ(Ask("192.0.2.7", "a.example", transport), HandleResult::kDropped);
  }
  EXPECT_TRUE(sink_.replies().empty());
  EXPECT_EQ(counters_.dropped_clients.value(), 3u);
  EXPECT_EQ(counters_.refused_clients.value(), 0u);
}

TEST_F(QueryHandlerAccessTest, RuleOfAZoneConcernsItsNamesOnly) {
  Make({Rule(AccessAction::kRefuse, "0.0.0.0/0", "corp.example")});
  EXPECT_EQ(Ask("192.0.2.7", "www.corp.example"), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kRefused);
  EXPECT_EQ(Ask("192.0.2.7", "www.example"), HandleResult::kPending);
}

TEST_F(QueryHandlerAccessTest, NewRulesConcernTheNextQuery) {
  Make({});
  EXPECT_EQ(Ask("192.0.2.7"), HandleResult::kPending);
  const AccessPolicy none({});
  handler_->UseRules({&none, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr});
  EXPECT_EQ(Ask("192.0.2.7"), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kRefused);
}

TEST_F(QueryHandlerAccessTest, UdpQueryAboveTheRateIsTruncated) {
  Make({}, {.rate = {1, 2}});
  EXPECT_EQ(Ask("192.0.2.7"), HandleResult::kPending);
  EXPECT_EQ(Ask("192.0.2.7"), HandleResult::kPending);
  EXPECT_EQ(Ask("192.0.2.7"), HandleResult::kReplied);
  EXPECT_TRUE(Reply().Has(kFlagTc));
  EXPECT_EQ(Reply().rcode, Rcode::kNoError);
  EXPECT_EQ(counters_.limit(Limit::kClientRate).value(), 1u);
  EXPECT_EQ(Ask("192.0.2.8"), HandleResult::kPending);
  loop_.Advance(Seconds(1));
  EXPECT_EQ(Ask("192.0.2.7"), HandleResult::kPending);
}

TEST_F(QueryHandlerAccessTest, UdpQueryAboveTheRateCanBeRefusedOrDropped) {
  Make({}, {.rate = {1, 1}, .over_udp = OverRate::kRefuse});
  Ask("192.0.2.7");
  EXPECT_EQ(Ask("192.0.2.7"), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kRefused);
  Make({}, {.rate = {1, 1}, .over_udp = OverRate::kDrop});
  Ask("192.0.2.7");
  const size_t replies = sink_.replies().size();
  EXPECT_EQ(Ask("192.0.2.7"), HandleResult::kDropped);
  EXPECT_EQ(sink_.replies().size(), replies);
}

TEST_F(QueryHandlerAccessTest, StreamsHaveTheirOwnTokensAndAreRefusedAboveTheRate) {
  Make({}, {.rate = {1, 1}, .over_udp = OverRate::kDrop});
  Ask("192.0.2.7");
  EXPECT_EQ(Ask("192.0.2.7"), HandleResult::kDropped);
  EXPECT_EQ(Ask("192.0.2.7", "a.example", Transport::kTcp), HandleResult::kPending);
  EXPECT_EQ(Ask("192.0.2.7", "a.example", Transport::kDot), HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kRefused);
  EXPECT_EQ(Reply().extended_error, kProhibited);
}

TEST_F(QueryHandlerAccessTest, CookieProvesTheAddress) {
  Make({}, {.rate = {1, 2}, .over_udp = OverRate::kDrop});
  const WireMessage client_cookie = {1, 2, 3, 4, 5, 6, 7, 8};
  const auto code = static_cast<uint16_t>(EdnsOption::kCookie);
  Ask("192.0.2.7", "a.example", Transport::kUdp, {{code, client_cookie}});
  exchanger_.Respond(
      0, MakeResponse("a.example", QType::kA, {ARecord("a.example", 300, "192.0.2.1")}));
  const ParsedMessage reply = Reply();
  ASSERT_NE(reply.FindOption(EdnsOption::kCookie), nullptr);
  const WireMessage cookie = reply.FindOption(EdnsOption::kCookie)->data;
  Ask("192.0.2.7");
  EXPECT_EQ(Ask("192.0.2.7"), HandleResult::kDropped);
  EXPECT_EQ(Ask("192.0.2.7", "a.example", Transport::kUdp, {{code, cookie}}),
            HandleResult::kReplied);
  EXPECT_EQ(Reply().rcode, Rcode::kNoError);
}

TEST_F(QueryHandlerAccessTest, RuleGivesItsNetworkAnotherRate) {
  AccessRule free = Rule(AccessAction::kAllow, "192.0.2.128/25");
  free.client_rate = EventRate{0, 0};
  Make({free}, {.rate = {1, 1}, .over_udp = OverRate::kDrop});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Ask("192.0.2.200"), HandleResult::kPending);
  EXPECT_EQ(Ask("192.0.2.7"), HandleResult::kPending);
  EXPECT_EQ(Ask("192.0.2.7"), HandleResult::kDropped);
}

}  // namespace
}  // namespace dotcache
