// SPDX-License-Identifier: Apache-2.0
#include "cmd/access_settings.h"

#include "cmd/settings.h"
#include "tests/cmd/config_test_support.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr char kRules[] =
    "listen: [192.0.2.1:53, \"tls://[2001:db8::1]:853\"]\n"
    "listen-cert: a\n"
    "listen-key: b\n"
    "access:\n"
    "  - network: 198.51.100.0/24\n"
    "    action: allow\n"
    "    client-rate: 50\n"
    "    client-burst: 200\n"
    "  - network: [0.0.0.0/0, \"::/0\"]\n"
    "    action: drop\n"
    "    zone: [Corp.Example., 10.in-addr.arpa]\n"
    "    listen: [192.0.2.1]\n"
    "  - {network: 203.0.113.7, action: refuse, listen: \"tls://[2001:db8::1]\"}\n"
    "  - {network: 10.0.0.0/8, action: allow, client-rate: 0}\n";

TEST(AccessSettingsTest, RulesAreRead) {
  const LoadedConfig loaded = LoadYaml(kRules);
  EXPECT_THAT(ErrorTexts(loaded), testing::IsEmpty());
  const std::vector<AccessRule>& rules = loaded.config.server.access;
  ASSERT_THAT(rules, SizeIs(4));
  EXPECT_EQ(rules[0].networks[0].ToString(), "198.51.100.0/24");
  EXPECT_EQ(rules[0].client_rate, (EventRate{50, 200}));
  EXPECT_EQ(rules[1].action, AccessAction::kDrop);
  EXPECT_THAT(rules[1].networks, SizeIs(2));
  ASSERT_THAT(rules[1].zones, SizeIs(2));
  EXPECT_EQ(rules[1].zones[0].ToString(), "corp.example.");
  ASSERT_THAT(rules[1].listeners, SizeIs(2));
  EXPECT_EQ(rules[1].listeners[0].transport, Transport::kUdp);
  EXPECT_EQ(rules[1].listeners[1].transport, Transport::kTcp);
  EXPECT_EQ(rules[2].action, AccessAction::kRefuse);
  EXPECT_EQ(rules[2].listeners[0].transport, Transport::kDot);
  EXPECT_EQ(rules[3].client_rate, (EventRate{0, 0}));
}

TEST(AccessSettingsTest, PrintedRulesAreReadBack) {
  const LoadedConfig loaded = LoadYaml(kRules);
  const std::string printed = FormatAccess(loaded.config);
  const LoadedConfig again = LoadYaml(FormatConfig(loaded.config));
  EXPECT_THAT(ErrorTexts(again), testing::IsEmpty());
  EXPECT_EQ(FormatAccess(again.config), printed);
  EXPECT_THAT(printed, HasSubstr("    zone: [\"corp.example.\", \"10.in-addr.arpa.\"]\n"));
  EXPECT_EQ(FormatAccess(LoadYaml("").config), "");
}

TEST(AccessSettingsTest, AnErrorNamesItsLine) {
  EXPECT_THAT(ErrorTexts(LoadYaml("access:\n  - network: 10.0.0.0/8\n    action: deny\n"
                                  "  - network: [10.0.0.0/8, 10.1/16]\n    action: drop\n")),
              ElementsAre(HasSubstr("FILE:3: action: "), HasSubstr("FILE:4: network: ")));
}

TEST(AccessSettingsTest, ContradictionsAreErrors) {
  ExpectErrors(R"(
    access: [10.0.0.0/8] => must be a list of maps
    access: [{network: 10.0.0.0/8}] => needs `action`
    access: [{action: allow}] => needs `network`
    access: [{network: [], action: allow}] => is empty
    access: [{network: 10.0.0.0/8, action: [allow]}] => must be one value
    access: [{network: 10.0.0.0/8, action: allow, zones: a}] => did you mean `zone`?
    access: [{network: 10.0.0.0/8, action: allow, zone: a..b}] => empty label
    access: [{network: 10.0.0.0/8, action: drop, client-rate: 5}] => rate without effect
    access: [{network: 10.0.0.0/8, action: allow, client-burst: 5}] => needs `client-rate`
    access: [{network: 10.0.0.0/8, action: allow, client-rate: 100001}] => 100000
    access: [{network: 10.0.0.0/8, action: allow, listen: 192.0.2.9}] => udp://192.0.2.9:53 is not one of
  )");
}

TEST(AccessSettingsTest, RulesAreBounded) {
  std::string rules = "access:\n";
  for (int i = 0; i < 257; ++i) rules += "  - {network: 10.0.0.0/8, action: allow}\n";
  EXPECT_THAT(ErrorTexts(LoadYaml(rules)), ElementsAre(HasSubstr("more than 256 rules")));
  std::string networks;
  for (int i = 0; i < 257; ++i) networks += absl::StrCat(i == 0 ? "" : ", ", "10.0.0.0/8");
  EXPECT_THAT(ErrorTexts(LoadYaml("access: [{action: allow, network: [" + networks + "]}]\n")),
              ElementsAre(HasSubstr("network: has more than 256")));
  std::string zones;
  for (int i = 0; i < 64; ++i) zones += absl::StrCat(i == 0 ? "" : ", ", "z", i);
  std::string combined = "access:\n";
  for (int i = 0; i < 33; ++i) {
    combined += "  - {network: 10.0.0.0/8, action: allow, zone: [" + zones + "]}\n";
  }
  EXPECT_THAT(ErrorTexts(LoadYaml(combined)), ElementsAre(HasSubstr("2048 combinations")));
}

TEST(AccessSettingsTest, PublicNetworkOfARuleSwitchesTheReplyRateOn) {
  const std::string rule = "listen: 192.0.2.1:53\naccess: [{network: 0.0.0.0/0, action: ";
  const auto rate = [](const std::string& yaml) {
    return LoadYaml(yaml).config.server.reply_rate.per_second;
  };
  EXPECT_EQ(rate(rule + "allow}]\n"), 50);
  EXPECT_EQ(rate(rule + "drop}]\n"), 0);
}

TEST(AccessSettingsTest, CommonRateIsRead) {
  const LoadedConfig loaded =
      Load("client-burst: 400\nclient-over-rate: drop\n", {}, {{"client-rate", {"100"}}});
  EXPECT_THAT(ErrorTexts(loaded), testing::IsEmpty());
  const ClientRateOptions& rate = loaded.config.server.client_rate;
  EXPECT_EQ(rate.rate, (EventRate{100, 400}));
  EXPECT_EQ(rate.over_udp, OverRate::kDrop);
}

}  // namespace
}  // namespace dotcache
