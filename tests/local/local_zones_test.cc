// SPDX-License-Identifier: Apache-2.0
#include "local/local_zones.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dns/message_header.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/parsed_message.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

DomainName Name(absl::string_view text) { return *DomainName::FromText(text); }

std::optional<StoredMessage> Ask(const LocalZones& zones, absl::string_view name,
                                 QType qtype = QType::kA) {
  return zones.Answer({Name(name), qtype, QClass::kIn});
}

// The zone's SOA in presentation format.
std::string SoaOf(absl::string_view zone) {
  return absl::StrCat(zone, ". 10800 IN SOA ", zone, ". nobody.invalid. 1 3600 1200 604800 10800");
}

class LocalZonesTest : public testing::Test {
 protected:
  ParsedMessage Answer(absl::string_view name, QType qtype = QType::kA) {
    const std::optional<StoredMessage> message = Ask(zones_, name, qtype);
    EXPECT_TRUE(message.has_value()) << name;
    return message.has_value() ? ParsedMessage::Parse(message->wire) : ParsedMessage();
  }

  const LocalZones zones_{{}};
};

std::vector<std::string> ListedZones() {
  std::vector<std::string> zones = {"localhost",
                                    "invalid",
                                    "test",
                                    "local",
                                    "onion",
                                    "home.arpa",
                                    "resolver.arpa",
                                    "alt",
                                    "0.in-addr.arpa",
                                    "10.in-addr.arpa",
                                    "127.in-addr.arpa",
                                    "254.169.in-addr.arpa",
                                    "168.192.in-addr.arpa",
                                    "2.0.192.in-addr.arpa",
                                    "100.51.198.in-addr.arpa",
                                    "113.0.203.in-addr.arpa",
                                    "255.255.255.255.in-addr.arpa",
                                    "d.f.ip6.arpa",
                                    "c.f.ip6.arpa",
                                    "8.e.f.ip6.arpa",
                                    "9.e.f.ip6.arpa",
                                    "a.e.f.ip6.arpa",
                                    "b.e.f.ip6.arpa",
                                    "8.b.d.0.1.0.0.2.ip6.arpa"};
  for (int i = 16; i < 32; ++i) zones.push_back(absl::StrCat(i, ".172.in-addr.arpa"));
  for (int i = 64; i < 128; ++i) zones.push_back(absl::StrCat(i, ".100.in-addr.arpa"));
  const std::vector<std::string> zeros(31, "0");
  for (const char* last : {"0", "1"}) {
    zones.push_back(absl::StrCat(last, ".", absl::StrJoin(zeros, "."), ".ip6.arpa"));
  }
  return zones;
}

TEST_F(LocalZonesTest, EveryListedZoneHasAnSoaAndAnNs) {
  for (const std::string& zone : ListedZones()) {
    SCOPED_TRACE(zone);
    const ParsedMessage soa = Answer(zone, QType::kSoa);
    EXPECT_EQ(soa.rcode, Rcode::kNoError);
    EXPECT_THAT(soa.answer, ElementsAre(SoaOf(zone)));
    EXPECT_THAT(soa.authority, IsEmpty());
    EXPECT_THAT(Answer(zone, QType::kNs).answer,
                ElementsAre(absl::StrCat(zone, ". 10800 IN NS ", zone, ".")));
  }
}

TEST_F(LocalZonesTest, OtherTypesAtAnApexGetNoData) {
  const ParsedMessage message = Answer("home.arpa", QType::kAaaa);
  EXPECT_EQ(message.rcode, Rcode::kNoError);
  EXPECT_THAT(message.answer, IsEmpty());
  EXPECT_THAT(message.authority, ElementsAre(SoaOf("home.arpa")));
}

TEST_F(LocalZonesTest, NamesBelowAZoneDoNotExist) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"printer.home.arpa", "home.arpa"},
      {"a.b.c.test", "test"},
      {"1.1.168.192.in-addr.arpa", "168.192.in-addr.arpa"},
      {"5.4.3.10.in-addr.arpa", "10.in-addr.arpa"},
      {"1.0.20.172.in-addr.arpa", "20.172.in-addr.arpa"},
      {"2.0.0.127.in-addr.arpa", "127.in-addr.arpa"},
      {"0.0.d.f.ip6.arpa", "d.f.ip6.arpa"}};
  for (const auto& [name, zone] : names) {
    SCOPED_TRACE(name);
    const ParsedMessage message = Answer(name);
    EXPECT_EQ(message.rcode, Rcode::kNxDomain);
    EXPECT_THAT(message.answer, IsEmpty());
    EXPECT_THAT(message.authority, ElementsAre(SoaOf(zone)));
  }
}

// RFC 9462 section 6.4: names that clients query there get NODATA.
TEST_F(LocalZonesTest, NamesBelowResolverArpaGetNoData) {
  for (QType qtype : {QType::kSvcb, QType::kA}) {
    const ParsedMessage message = Answer("_dns.resolver.arpa", qtype);
    EXPECT_EQ(message.rcode, Rcode::kNoError);
    EXPECT_THAT(message.answer, IsEmpty());
    EXPECT_THAT(message.authority, ElementsAre(SoaOf("resolver.arpa")));
  }
}

TEST_F(LocalZonesTest, LocalhostAndItsSubdomainsHaveTheLoopbackAddresses) {
  for (const std::string name : {"localhost", "www.localhost", "a.b.localhost"}) {
    SCOPED_TRACE(name);
    EXPECT_THAT(Answer(name, QType::kA).answer,
                ElementsAre(absl::StrCat(name, ". 10800 IN A 127.0.0.1")));
    EXPECT_THAT(Answer(name, QType::kAaaa).answer,
                ElementsAre(absl::StrCat(name, ". 10800 IN AAAA ::1")));
    const ParsedMessage mx = Answer(name, QType::kMx);
    EXPECT_EQ(mx.rcode, Rcode::kNoError);
    EXPECT_THAT(mx.authority, ElementsAre(SoaOf("localhost")));
  }
}

TEST_F(LocalZonesTest, LoopbackAddressesHaveAPtr) {
  EXPECT_THAT(Answer("1.0.0.127.in-addr.arpa", QType::kPtr).answer,
              ElementsAre("1.0.0.127.in-addr.arpa. 10800 IN PTR localhost."));
  const std::string v6 =
      absl::StrCat("1.", absl::StrJoin(std::vector<std::string>(31, "0"), "."), ".ip6.arpa");
  EXPECT_THAT(Answer(v6, QType::kPtr).answer,
              ElementsAre(absl::StrCat(v6, ". 10800 IN PTR localhost.")));
}

TEST_F(LocalZonesTest, NamesBetweenAZoneAndAPtrGetNoData) {
  const ParsedMessage message = Answer("0.127.in-addr.arpa", QType::kPtr);
  EXPECT_EQ(message.rcode, Rcode::kNoError);
  EXPECT_THAT(message.authority, ElementsAre(SoaOf("127.in-addr.arpa")));
}

TEST_F(LocalZonesTest, NamesOutsideTheZonesAreNotAnswered) {
  for (const char* name :
       {".", "com", "www.example.com", "localhost.example.com", "mylocalhost", "arpa",
        "in-addr.arpa", "15.172.in-addr.arpa", "32.172.in-addr.arpa", "63.100.in-addr.arpa",
        "128.100.in-addr.arpa", "169.192.in-addr.arpa", "1.1.1.1.in-addr.arpa", "ip6.arpa",
        "2.ip6.arpa", "f.ip6.arpa", "7.e.f.ip6.arpa", "ipv4only.arpa", "example"}) {
    EXPECT_FALSE(Ask(zones_, name).has_value()) << name;
  }
}

TEST_F(LocalZonesTest, OwnersArePointersToTheQuestion) {
  // Pointers give the owners the client's spelling.
  const StoredMessage answer = *Ask(zones_, "www.localhost");
  EXPECT_EQ(LoadU16(&answer.wire[kHeaderSize + 15 + 4]), 0xc00c);
  const StoredMessage negative = *Ask(zones_, "printer.home.arpa");
  EXPECT_EQ(LoadU16(&negative.wire[kHeaderSize + 19 + 4]), 0xc00c + 8);
}

TEST_F(LocalZonesTest, AnyGetsOneRrset) {
  EXPECT_THAT(Answer("localhost", QType::kAny).answer,
              ElementsAre("localhost. 10800 IN A 127.0.0.1"));
  EXPECT_THAT(Answer("test", QType::kAny).answer, ElementsAre(SoaOf("test")));
  EXPECT_EQ(Answer("a.test", QType::kAny).rcode, Rcode::kNxDomain);
}

TEST_F(LocalZonesTest, DsOfAZoneBelowArpaIsForwarded) {
  for (const char* zone :
       {"home.arpa", "resolver.arpa", "10.in-addr.arpa", "16.172.in-addr.arpa", "d.f.ip6.arpa"}) {
    EXPECT_FALSE(Ask(zones_, zone, QType::kDs).has_value()) << zone;
    EXPECT_TRUE(Ask(zones_, absl::StrCat("below.", zone), QType::kDs).has_value()) << zone;
  }
  for (const char* zone : {"onion", "test", "localhost"}) {
    EXPECT_EQ(Answer(zone, QType::kDs).rcode, Rcode::kNoError) << zone;
  }
}

TEST_F(LocalZonesTest, MessageCanBeUsedForReplies) {
  for (const char* name : {"localhost", "printer.home.arpa"}) {
    const StoredMessage message = *Ask(zones_, name);
    ASSERT_EQ(message.ttl_offsets.size(), 1u);
    EXPECT_EQ(LoadU32(&message.wire[message.ttl_offsets[0]]), 10800u) << name;
    const ParsedMessage parsed = ParsedMessage::Parse(message.wire);
    EXPECT_EQ(parsed.header.id, 0);
    EXPECT_TRUE(parsed.Has(kFlagQr));
    EXPECT_FALSE(parsed.has_edns);
  }
}

// RFC 4035 section 3.1.4.1: the parent has the DS, and the parent is answered locally here.
TEST(LocalZonesExclusionTest, TheDsOfAZoneWithServersIsAnsweredByTheZoneAboveIt) {
  const LocalZones zones({Name("corp.test"), Name("a.b.corp.home.arpa"), Name("local")});
  for (const char* name : {"corp.test", "a.b.corp.home.arpa"}) {
    const auto answer = Ask(zones, name, QType::kDs);
    ASSERT_TRUE(answer.has_value()) << name;
    EXPECT_EQ(ParsedMessage::Parse(answer->wire).rcode, Rcode::kNoError) << name;
    EXPECT_FALSE(Ask(zones, absl::StrCat("x.", name), QType::kDs).has_value()) << name;
  }
  EXPECT_FALSE(Ask(zones, "local", QType::kSoa).has_value());
}

// RFC 8020 section 2: a name with names below it exists.
TEST(LocalZonesExclusionTest, ANameAboveAZoneWithServersExists) {
  const LocalZones zones({Name("a.b.corp.home.arpa")});
  for (const char* name : {"b.corp.home.arpa", "corp.home.arpa"}) {
    EXPECT_EQ(ParsedMessage::Parse(Ask(zones, name)->wire).rcode, Rcode::kNoError) << name;
  }
  EXPECT_EQ(ParsedMessage::Parse(Ask(zones, "c.corp.home.arpa")->wire).rcode, Rcode::kNxDomain);
}

TEST(LocalZonesExclusionTest, ZoneWithConfiguredServersIsForwarded) {
  const LocalZones zones({Name("10.in-addr.arpa"), Name("Corp.Home.Arpa")});
  EXPECT_FALSE(Ask(zones, "10.in-addr.arpa", QType::kSoa).has_value());
  EXPECT_FALSE(Ask(zones, "1.0.0.10.in-addr.arpa", QType::kPtr).has_value());
  EXPECT_FALSE(Ask(zones, "www.corp.home.arpa").has_value());
  EXPECT_TRUE(Ask(zones, "home.arpa").has_value());
  EXPECT_TRUE(Ask(zones, "printer.home.arpa").has_value());
  EXPECT_TRUE(Ask(zones, "1.1.168.192.in-addr.arpa", QType::kPtr).has_value());
}

TEST(LocalZonesExclusionTest, LocalZoneBelowAForwardedZoneStaysLocal) {
  const LocalZones zones({Name("in-addr.arpa")});
  EXPECT_TRUE(Ask(zones, "1.0.0.10.in-addr.arpa", QType::kPtr).has_value());
}

TEST(LocalZonesExclusionTest, ForwardedZoneBelowALocalZoneIsForwarded) {
  const LocalZones zones({Name("cluster.local")});
  EXPECT_FALSE(Ask(zones, "kubernetes.default.svc.cluster.local").has_value());
  EXPECT_TRUE(Ask(zones, "printer.local").has_value());
}

TEST(LocalZonesExclusionTest, SingleZonesCanBeLeftOut) {
  const LocalZones zones({}, {Name("onion"), Name("172.in-addr.arpa"), Name("Test")});
  EXPECT_FALSE(Ask(zones, "hidden.onion").has_value());
  EXPECT_FALSE(Ask(zones, "a.test").has_value());
  EXPECT_FALSE(Ask(zones, "1.0.16.172.in-addr.arpa").has_value());
  EXPECT_FALSE(Ask(zones, "1.0.31.172.in-addr.arpa").has_value());
  EXPECT_TRUE(Ask(zones, "1.0.0.10.in-addr.arpa").has_value());
  EXPECT_TRUE(Ask(zones, "a.invalid").has_value());
}

TEST(LocalZonesExclusionTest, NamesListsTheZonesThatCanBeLeftOut) {
  for (absl::string_view name : LocalZones::Names()) {
    EXPECT_TRUE(LocalZones::HoldsZoneAtOrBelow(Name(name))) << name;
  }
  EXPECT_TRUE(LocalZones::HoldsZoneAtOrBelow(Name("20.172.in-addr.arpa")));
  EXPECT_TRUE(LocalZones::HoldsZoneAtOrBelow(Name("ONION")));
  for (const char* name : {".", "example", "printer.local", "11.in-addr.arpa"}) {
    EXPECT_FALSE(LocalZones::HoldsZoneAtOrBelow(Name(name))) << name;
  }
}

TEST(LocalZonesExclusionTest, ForwardedRootChangesNoLocalZone) {
  const LocalZones zones({Name(".")});
  EXPECT_TRUE(Ask(zones, "localhost").has_value());
}

}  // namespace
}  // namespace dotcache
