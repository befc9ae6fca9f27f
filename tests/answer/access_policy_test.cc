// SPDX-License-Identifier: Apache-2.0
#include "answer/access_policy.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr uint64_t kAnyListener = 2;  // No ListenerKey() is even.

Endpoint At(absl::string_view address) { return *Endpoint::ParseAddress(address, 4711); }

std::vector<AddressPrefix> Networks(const std::vector<const char*>& texts) {
  std::vector<AddressPrefix> networks;
  for (const char* text : texts) networks.push_back(*AddressPrefix::Parse(text));
  return networks;
}

AccessRule Rule(AccessAction action, const std::vector<const char*>& networks,
                const std::vector<const char*>& zones = {}) {
  AccessRule rule;
  rule.action = action;
  rule.networks = Networks(networks);
  for (const char* zone : zones) rule.zones.push_back(*DomainName::FromText(zone));
  return rule;
}

// "allow", "refuse" or "drop"; a client without a rule is refused.
std::string Judge(const AccessPolicy& policy, const char* client, const char* name = "a.example",
                  uint64_t listener = kAnyListener) {
  return std::string(
      AccessActionName(policy.Judge(At(client), listener, *DomainName::FromText(name)).action));
}

TEST(AccessPolicyTest, OnlyClientsInARangeAreAllowed) {
  const AccessPolicy policy(Networks({"192.0.2.0/24", "2001:db8::/32"}));
  EXPECT_EQ(Judge(policy, "192.0.2.200"), "allow");
  EXPECT_EQ(Judge(policy, "2001:db8:ffff::1"), "allow");
  EXPECT_EQ(Judge(policy, "::ffff:192.0.2.200"), "allow");
  EXPECT_EQ(Judge(policy, "192.0.3.1"), "refuse");
  EXPECT_EQ(Judge(policy, "2001:db9::1"), "refuse");
}

TEST(AccessPolicyTest, ClientWithoutARuleIsRefused) {
  const AccessPolicy policy({});
  for (const char* client : {"127.0.0.1", "::1"}) {
    EXPECT_EQ(policy.Judge(At(client), kAnyListener, DomainName()).action, AccessAction::kRefuse);
    EXPECT_EQ(policy.ReachOf(At(client), kAnyListener), AccessReach::kNoRule);
  }
}

TEST(AccessPolicyTest, DefaultRangesContainNoPublicAddress) {
  const AccessPolicy policy(PrivatePrefixes());
  for (const char* inside :
       {"127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
        "100.127.255.255", "169.254.1.1", "::1", "fd00::1", "fe80::1"}) {
    EXPECT_EQ(Judge(policy, inside), "allow") << inside;
  }
  for (const char* outside : {"8.8.8.8", "172.32.0.1", "192.169.0.1", "100.128.0.1", "169.255.0.1",
                              "126.255.255.255", "2606:4700::1111", "fec0::1", "::2"}) {
    EXPECT_EQ(Judge(policy, outside), "refuse") << outside;
  }
}

TEST(AccessPolicyTest, LongestNetworkDecidesInAnyOrder) {
  std::vector<AccessRule> rules = {Rule(AccessAction::kDrop, {"0.0.0.0/0", "::/0"}),
                                   Rule(AccessAction::kRefuse, {"10.1.0.0/16"}),
                                   Rule(AccessAction::kAllow, {"10.1.2.3", "2001:db8::/32"})};
  for (int order = 0; order < 2; ++order) {
    const AccessPolicy policy(Networks({"10.0.0.0/8"}), rules);
    EXPECT_EQ(Judge(policy, "10.2.0.1"), "allow");
    EXPECT_EQ(Judge(policy, "10.1.2.2"), "refuse");
    EXPECT_EQ(Judge(policy, "10.1.2.3"), "allow");
    EXPECT_EQ(Judge(policy, "192.0.2.1"), "drop");
    EXPECT_EQ(Judge(policy, "2001:db8::1"), "allow");
    EXPECT_EQ(Judge(policy, "2001:db9::1"), "drop");
    std::reverse(rules.begin(), rules.end());
  }
}

TEST(AccessPolicyTest, RuleCountsBeforeAnEqualRangeAndBeforeALaterRule) {
  const AccessPolicy policy(
      Networks({"10.0.0.0/8"}),
      {Rule(AccessAction::kDrop, {"10.0.0.0/8"}), Rule(AccessAction::kRefuse, {"10.0.0.0/8"})});
  EXPECT_EQ(Judge(policy, "10.0.0.1"), "drop");
}

TEST(AccessPolicyTest, RuleOfTheDeepestZoneCounts) {
  const AccessPolicy policy(
      Networks({"10.0.0.0/8"}),
      {Rule(AccessAction::kRefuse, {"0.0.0.0/0"}, {"Corp.Example"}),
       Rule(AccessAction::kAllow, {"10.1.0.0/16"}, {"corp.example"}),
       Rule(AccessAction::kDrop, {"0.0.0.0/0"}, {"secret.corp.example", "b.example"})});
  EXPECT_EQ(Judge(policy, "10.9.9.9", "www.example"), "allow");
  EXPECT_EQ(Judge(policy, "10.9.9.9", "corp.example"), "refuse");
  EXPECT_EQ(Judge(policy, "10.9.9.9", "notcorp.example"), "allow");
  EXPECT_EQ(Judge(policy, "10.1.9.9", "www.CORP.example"), "allow");
  EXPECT_EQ(Judge(policy, "10.1.9.9", "a.secret.corp.example"), "drop");
  EXPECT_EQ(Judge(policy, "10.1.9.9", "b.example"), "drop");
  // A zone without a rule for the client leaves the decision to the zones above.
  EXPECT_EQ(Judge(policy, "fd00::1", "corp.example"), "refuse");
}

TEST(AccessPolicyTest, RuleForAListenerConcernsThatListenerOnly) {
  AccessRule outside = Rule(AccessAction::kAllow, {"0.0.0.0/0"});
  outside.listeners = {{Transport::kDot, *Endpoint::Parse("192.0.2.1:853")}};
  const AccessPolicy policy({}, {Rule(AccessAction::kDrop, {"0.0.0.0/0"}), outside});
  const uint64_t dot = ListenerKey(Transport::kDot, *Endpoint::Parse("192.0.2.1:853"));
  const uint64_t udp = ListenerKey(Transport::kUdp, *Endpoint::Parse("192.0.2.1:853"));
  EXPECT_EQ(Judge(policy, "198.51.100.1", "a.example", dot), "allow");
  EXPECT_EQ(Judge(policy, "198.51.100.1", "a.example", udp), "drop");
}

TEST(AccessPolicyTest, LongerNetworkCountsBeforeARuleForTheListener) {
  AccessRule wide = Rule(AccessAction::kAllow, {"0.0.0.0/0"});
  wide.listeners = {{Transport::kUdp, *Endpoint::Parse("192.0.2.1:53")}};
  const uint64_t udp = ListenerKey(Transport::kUdp, *Endpoint::Parse("192.0.2.1:53"));
  const AccessPolicy policy({}, {wide, Rule(AccessAction::kRefuse, {"198.51.100.0/24"})});
  EXPECT_EQ(Judge(policy, "198.51.100.1", "a.example", udp), "refuse");
  EXPECT_EQ(Judge(policy, "203.0.113.1", "a.example", udp), "allow");
  EXPECT_EQ(Judge(policy, "203.0.113.1", "a.example", kAnyListener), "refuse");
}

TEST(AccessPolicyTest, ReachTellsTheBestThatAClientCanGet) {
  const AccessPolicy policy(Networks({"10.0.0.0/8"}),
                            {Rule(AccessAction::kDrop, {"192.0.2.0/24"}),
                             Rule(AccessAction::kRefuse, {"198.51.100.0/24"}),
                             Rule(AccessAction::kAllow, {"192.0.2.7"}, {"guest.example"})});
  EXPECT_EQ(policy.ReachOf(At("10.0.0.1"), kAnyListener), AccessReach::kAnswers);
  EXPECT_EQ(policy.ReachOf(At("192.0.2.7"), kAnyListener), AccessReach::kAnswers);
  EXPECT_EQ(policy.ReachOf(At("192.0.2.8"), kAnyListener), AccessReach::kSilence);
  EXPECT_EQ(policy.ReachOf(At("198.51.100.1"), kAnyListener), AccessReach::kRefusals);
  EXPECT_EQ(policy.ReachOf(At("203.0.113.1"), kAnyListener), AccessReach::kNoRule);
}

TEST(AccessPolicyTest, RatesOfRulesAreListedOnce) {
  std::vector<AccessRule> rules(3, Rule(AccessAction::kAllow, {"10.0.0.0/8"}));
  rules[0].networks = Networks({"10.1.0.0/16"});
  rules[0].client_rate = EventRate{5, 10};
  rules[1].networks = Networks({"10.2.0.0/16"});
  rules[1].client_rate = EventRate{5, 10};
  rules[2].client_rate = EventRate{0, 0};
  const AccessPolicy policy(Networks({"192.0.2.0/24"}), rules);
  ASSERT_EQ(policy.client_rates().size(), 2u);
  const auto rate_of = [&policy](const char* client) {
    return policy.Judge(At(client), kAnyListener, DomainName()).rate;
  };
  EXPECT_EQ(rate_of("10.1.0.1"), 1u);
  EXPECT_EQ(rate_of("10.2.0.1"), 1u);
  EXPECT_EQ(rate_of("10.3.0.1"), 2u);
  EXPECT_EQ(rate_of("192.0.2.1"), 0u);
}

}  // namespace
}  // namespace dotcache
