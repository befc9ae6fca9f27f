// SPDX-License-Identifier: Apache-2.0
#include "upstream/hosts/host_answer.h"

#include <string>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

constexpr absl::string_view kHost = "dns.example.net";
constexpr absl::string_view kService = "_dns.dns.example.net";

Question Asked(absl::string_view name, QType type) {
  return {*DomainName::FromText(name), type, QClass::kIn};
}

std::optional<HostRecords> Read(const WireMessage& response, const Question& question) {
  const auto inspected = InspectResponse(response, question);
  const auto* facts = std::get_if<ResponseFacts>(&inspected);
  EXPECT_NE(facts, nullptr);
  return facts == nullptr ? std::nullopt : ReadHostResponse(response, *facts, question);
}

std::string Texts(const std::vector<Endpoint>& addresses) {
  return absl::StrJoin(addresses, " ", [](std::string* out, const Endpoint& address) {
    *out += address.ToString();
  });
}

Endpoint At(absl::string_view text) { return *Endpoint::Parse(text, 853); }

HostRecords Addresses(std::initializer_list<absl::string_view> texts, int ttl = 300) {
  HostRecords records;
  for (absl::string_view text : texts) {
    const Endpoint address = *Endpoint::ParseAddress(text, 0);
    (address.is_v6() ? records.v6 : records.v4).push_back(address);
  }
  records.ttl = Seconds(ttl);
  return records;
}

// One SvcParam.
WireMessage Param(uint16_t key, const WireMessage& value) {
  WireMessage out = {static_cast<uint8_t>(key >> 8), static_cast<uint8_t>(key), 0,
                     static_cast<uint8_t>(value.size())};
  out.insert(out.end(), value.begin(), value.end());
  return out;
}
WireMessage Alpn(absl::string_view id) {
  WireMessage value = {static_cast<uint8_t>(id.size())};
  value.insert(value.end(), id.begin(), id.end());
  return Param(1, value);
}
WireMessage PortParam(uint16_t port) {
  return Param(3, {static_cast<uint8_t>(port >> 8), static_cast<uint8_t>(port)});
}
WireMessage Hint4(absl::string_view address) { return Param(4, ARdata(address)); }
WireMessage Hint6(absl::string_view address) { return Param(6, AaaaRdata(address)); }

Record Svcb(uint8_t priority, absl::string_view target, std::initializer_list<WireMessage> params) {
  const WireMessage head = {0, priority};
  WireMessage rdata = Concat({head, WireName(target).octets});
  for (const WireMessage& param : params) rdata.insert(rdata.end(), param.begin(), param.end());
  return {.owner = kService, .type = QType::kSvcb, .ttl = 60, .rdata = rdata};
}

std::optional<HostRecords> ReadService(const std::vector<Record>& records) {
  return Read(MakeResponse(kService, QType::kSvcb, records), Asked(kService, QType::kSvcb));
}

TEST(HostAnswerTest, AddressesComeFromTheEndOfTheAliases) {
  const auto records = Read(MakeResponse(kHost, QType::kA,
                                         {CnameRecord(kHost, 40, "edge.example.net"),
                                          ARecord("edge.example.net", 300, "192.0.2.1"),
                                          ARecord("edge.example.net", 300, "192.0.2.2"),
                                          ARecord("other.example.net", 10, "192.0.2.66")}),
                            Asked(kHost, QType::kA));
  ASSERT_TRUE(records.has_value());
  EXPECT_EQ(Texts(records->v4), "192.0.2.1:0 192.0.2.2:0");
  EXPECT_EQ(records->ttl, Seconds(40));
}

TEST(HostAnswerTest, AddressesThatCannotBeConnectedToAreLeftOut) {
  const auto v4 =
      Read(MakeResponse(kHost, QType::kA,
                        {ARecord(kHost, 300, "0.0.0.0"), ARecord(kHost, 300, "224.0.0.1"),
                         ARecord(kHost, 300, "255.255.255.255"), ARecord(kHost, 300, "192.0.2.1")}),
           Asked(kHost, QType::kA));
  EXPECT_EQ(Texts(v4->v4), "192.0.2.1:0");
  std::vector<Record> records;
  for (const char* text : {"::", "ff02::1", "::ffff:192.0.2.1", "2001:db8::1"}) {
    records.push_back({.owner = kHost, .type = QType::kAaaa, .rdata = AaaaRdata(text)});
  }
  const auto v6 = Read(MakeResponse(kHost, QType::kAaaa, records), Asked(kHost, QType::kAaaa));
  EXPECT_EQ(Texts(v6->v6), "[2001:db8::1]:0");
}

TEST(HostAnswerTest, ADenialIsAnAnswerAnErrorIsNone) {
  const Question question = Asked(kHost, QType::kA);
  const auto denied = Read(
      MakeNegativeResponse(kHost, QType::kA, Rcode::kNxDomain, SoaRecord("example.net", 600, 120)),
      question);
  ASSERT_TRUE(denied.has_value());
  EXPECT_TRUE(denied->v4.empty());
  EXPECT_EQ(denied->ttl, Seconds(120));
  EXPECT_FALSE(
      Read(MessageBuilder().Response(Rcode::kServFail).Question(kHost, QType::kA).Build(), question)
          .has_value());
}

TEST(HostAnswerTest, TheBestUsableServiceBindingHasPortAndHints) {
  const auto records = ReadService(
      {Svcb(3, kHost, {Alpn("dot"), PortParam(8853)}),
       Svcb(2, kHost, {Alpn("dot"), PortParam(9853), Hint4("192.0.2.7"), Hint6("2001:db8::7")}),
       Svcb(1, kHost, {Alpn("h2"), PortParam(443)})});
  ASSERT_TRUE(records.has_value());
  EXPECT_EQ(records->port, 9853);
  EXPECT_EQ(Texts(records->v4), "192.0.2.7:0");
  EXPECT_EQ(Texts(records->v6), "[2001:db8::7]:0");
  EXPECT_EQ(records->ttl, Seconds(60));
}

TEST(HostAnswerTest, ServiceBindingsThatCannotBeFollowedAreNotUsed) {
  const WireMessage port = PortParam(9853);
  const auto is_used = [](const Record& record) {
    const auto records = ReadService({record});
    EXPECT_TRUE(records.has_value());
    return records.has_value() && records->port.has_value();
  };
  EXPECT_TRUE(is_used(Svcb(1, kHost, {Alpn("dot"), port})));
  EXPECT_TRUE(is_used(Svcb(1, ".", {Alpn("dot"), port})));
  EXPECT_TRUE(is_used(Svcb(1, kHost, {Param(0, {0, 1, 0, 3}), Alpn("dot"), port})));
  EXPECT_FALSE(is_used(Svcb(0, kHost, {})));      // An alias.
  EXPECT_FALSE(is_used(Svcb(1, kHost, {port})));  // No default (RFC 9461).
  EXPECT_FALSE(is_used(Svcb(1, "else.example.net", {Alpn("dot"), port})));
  EXPECT_FALSE(is_used(Svcb(1, kHost, {Param(0, {0, 9}), Alpn("dot"), port, Param(9, {1})})));
  EXPECT_FALSE(is_used(Svcb(1, kHost, {Alpn("dot"), PortParam(0)})));
  EXPECT_FALSE(is_used(Svcb(1, kHost, {Alpn("dot"), Param(3, {1})})));
  EXPECT_FALSE(is_used(Svcb(1, kHost, {Param(1, {9, 'd', 'o', 't'}), port})));
}

TEST(HostAnswerTest, FamiliesTakeTurnsAndShareThePlaces) {
  HostKnowledge known;
  known.a = Addresses({"192.0.2.1", "192.0.2.2"});
  known.aaaa = Addresses({"2001:db8::1"});
  EXPECT_EQ(Texts(AddressesOf(known, 0)), "[2001:db8::1]:853 192.0.2.1:853 192.0.2.2:853");
  known.a = Addresses({"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"});
  known.aaaa = Addresses({"::1:1", "::1:2", "::1:3", "::1:4", "::1:5"});
  EXPECT_EQ(AddressesOf(known, 0).size(), kMaxHostAddresses);
  EXPECT_EQ(Texts({AddressesOf(known, 0).back()}), "192.0.2.4:853");
}

TEST(HostAnswerTest, HintsStandInUntilTheFamilysOwnAnswer) {
  HostKnowledge known;
  known.svcb = Addresses({"192.0.2.9", "2001:db8::9"});
  known.svcb->port = 9853;
  EXPECT_EQ(Texts(AddressesOf(known, 0)), "[2001:db8::9]:9853 192.0.2.9:9853");
  known.aaaa = Addresses({});
  known.a = Addresses({"192.0.2.1"});
  EXPECT_EQ(Texts(AddressesOf(known, 0)), "192.0.2.1:9853");
  EXPECT_EQ(Texts(AddressesOf(known, 8853)), "192.0.2.1:8853");  // The operator's port.
  known.a = Addresses({});
  EXPECT_EQ(Texts(AddressesOf(known, 0)), "[2001:db8::9]:9853 192.0.2.9:9853");
  EXPECT_EQ(Texts(AddressesOf({}, 0)), "");
}

TEST(HostAnswerTest, TheLeastTtlOfWhatIsUsedCountsWithinBounds) {
  HostKnowledge known;
  known.a = Addresses({"192.0.2.1"}, 300);
  known.aaaa = Addresses({}, 20);  // A denial: used for nothing.
  EXPECT_EQ(TtlOf(known), Seconds(300));
  known.aaaa = Addresses({"::1:1"}, 60);
  EXPECT_EQ(TtlOf(known), Seconds(60));
  known.aaaa->ttl = Seconds(0);
  EXPECT_EQ(TtlOf(known), kMinHostTtl);
  known.aaaa->ttl = known.a->ttl = Seconds(1000000);
  EXPECT_EQ(TtlOf(known), kMaxHostTtl);
}

TEST(HostAnswerTest, WhatStaysKeepsItsSlot) {
  const std::vector<std::optional<Endpoint>> slots = {At("192.0.2.1"), std::nullopt,
                                                      At("192.0.2.3"), std::nullopt};
  EXPECT_EQ(AssignSlots(slots, {At("192.0.2.3"), At("192.0.2.4"), At("192.0.2.5")}),
            (std::vector<std::optional<Endpoint>>{At("192.0.2.4"), At("192.0.2.5"), At("192.0.2.3"),
                                                  std::nullopt}));
  EXPECT_EQ(AssignSlots(slots, {At("192.0.2.3"), At("192.0.2.1")}), slots);
}

TEST(HostAnswerTest, TheOrderOfTheAnswerDoesNotMatter) {
  const std::vector<std::optional<Endpoint>> none(3);
  EXPECT_EQ(AssignSlots(none, {At("192.0.2.3"), At("192.0.2.1"), At("192.0.2.2")}),
            AssignSlots(none, {At("192.0.2.2"), At("192.0.2.3"), At("192.0.2.1")}));
}

}  // namespace
}  // namespace dotcache
