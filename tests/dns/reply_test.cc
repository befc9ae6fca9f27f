// SPDX-License-Identifier: Apache-2.0
#include "dns/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "dns/message_header.h"
#include "dns/response.h"
#include "dns/wire_cursor.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kName[] = "www.example.com";
constexpr size_t kQuestionEnd = kHeaderSize + 17 + 4;

// The OPT at the end of a reply.
struct OptSeen {
  uint16_t udp_payload_size = 0;
  uint8_t extended_rcode = 0;
  uint8_t version = 0;
  uint16_t flags = 0;
  std::vector<uint16_t> options;
  bool operator==(const OptSeen&) const = default;
};

std::optional<OptSeen> FindOpt(const WireMessage& reply) {
  const MessageHeader header = LoadHeader(reply);
  WireCursor cursor(reply, kHeaderSize, reply.size());
  for (int i = 0; i < header.qdcount; ++i) {
    cursor.SkipName();
    cursor.Skip(4);
  }
  std::optional<OptSeen> opt;
  for (int i = 0; i < header.ancount + header.nscount + header.arcount; ++i) {
    cursor.SkipName();
    const auto type = static_cast<QType>(cursor.ReadU16());
    OptSeen seen;
    seen.udp_payload_size = cursor.ReadU16();
    seen.extended_rcode = cursor.ReadU8();
    seen.version = cursor.ReadU8();
    seen.flags = cursor.ReadU16();
    const size_t end = cursor.position() + 2 + LoadU16(&reply[cursor.position()]);
    cursor.Skip(2);
    while (type == QType::kOpt && cursor.ok() && cursor.position() < end) {
      seen.options.push_back(cursor.ReadU16());
      cursor.Skip(cursor.ReadU16());
    }
    if (type == QType::kOpt) opt = seen;
    cursor.Skip(end - cursor.position());
  }
  EXPECT_TRUE(cursor.AtEnd());
  return opt;
}

Query Ask(QType qtype = QType::kA) {
  Query query;
  query.id = 0xbeef;
  query.recursion_desired = true;
  query.qname = DomainName::FromText("wWw.eXample.com").value();
  query.question = {.qname = query.qname.Canonical(), .qtype = qtype};
  return query;
}

Query AskWithEdns(uint16_t udp_payload_size = 1232) {
  Query query = Ask();
  query.edns.present = true;
  query.edns.udp_payload_size = udp_payload_size;
  return query;
}

StoredMessage Store(const WireMessage& response, const Question& question) {
  const auto outcome = InspectResponse(response, question);
  return StoreResponse(response, std::get<ResponseFacts>(outcome), TtlCaps{});
}

StoredMessage StoredA(uint32_t ttl = 300, uint16_t flags = kFlagQr) {
  const WireMessage response = MessageBuilder()
                                   .Flags(flags)
                                   .Question(kName, QType::kA)
                                   .Answer(ARecord(WireName::Pointer(12), ttl, "192.0.2.1"))
                                   .Build();
  return Store(response, Ask().question);
}

// An answer with about 16 octets per record.
StoredMessage StoredWithRecords(int count) {
  MessageBuilder builder = MessageBuilder().Response().Question(kName, QType::kA);
  for (int i = 0; i < count; ++i) builder.Answer(ARecord(WireName::Pointer(12), 60, "192.0.2.1"));
  return Store(builder.Build(), Ask().question);
}

WireMessage Reply(const Query& query, const StoredMessage& stored,
                  const ReplyOptions& options = {}) {
  WireMessage out(kMaxMessageSize);
  out.resize(BuildReply(query, {stored.wire, stored.ttl_offsets}, options, absl::MakeSpan(out)));
  return out;
}

WireMessage RcodeReply(const Query& query, Rcode rcode, const ReplyOptions& options = {}) {
  WireMessage out(kMaxMessageSize);
  out.resize(BuildRcodeReply(query, rcode, options, absl::MakeSpan(out)));
  return out;
}

uint32_t FirstTtl(const WireMessage& reply) { return LoadU32(&reply[kQuestionEnd + 6]); }

TEST(ReplyTest, HasTheIdAndSpellingOfTheQuery) {
  const Query query = Ask();
  const WireMessage reply = Reply(query, StoredA());
  EXPECT_EQ(LoadHeader(reply).id, 0xbeef);
  EXPECT_TRUE(std::equal(query.qname.wire().begin(), query.qname.wire().end(),
                         reply.begin() + kHeaderSize));
  EXPECT_EQ(LoadHeader(reply).ancount, 1);
}

TEST(ReplyTest, HasTheTypeOfTheQueryForAnNxDomainStoredForAllTypes) {
  const WireMessage response =
      MakeNegativeResponse(kName, QType::kA, Rcode::kNxDomain, SoaRecord("example.com", 900, 60));
  StoredMessage stored = Store(response, Ask().question);
  StoreU16(&stored.wire[kQuestionEnd - 4], 0);
  WireMessage reply(512);
  reply.resize(
      BuildReply(Ask(QType::kMx), {stored.wire, stored.ttl_offsets}, {}, absl::MakeSpan(reply)));
  EXPECT_EQ(reply.size(), stored.wire.size());
  EXPECT_TRUE(Ask(QType::kMx).question.MatchesMessage(reply));
  EXPECT_EQ(LoadHeader(reply).header_rcode(), Rcode::kNxDomain);
}

TEST(ReplyTest, RdAndCdComeFromTheQuery) {
  Query query = Ask();
  EXPECT_EQ(LoadHeader(Reply(query, StoredA())).flags, kFlagQr | kFlagRa | kFlagRd);
  query.recursion_desired = false;
  query.checking_disabled = true;
  EXPECT_EQ(LoadHeader(Reply(query, StoredA())).flags, kFlagQr | kFlagRa | kFlagCd);
}

TEST(ReplyTest, AdIsSentOnlyToClientsThatSentAdOrDo) {
  const StoredMessage authentic = StoredA(300, kFlagQr | kFlagAd);
  Query query = AskWithEdns();
  EXPECT_FALSE(LoadHeader(Reply(query, authentic)).Has(kFlagAd));
  query.edns.dnssec_ok = true;
  EXPECT_TRUE(LoadHeader(Reply(query, authentic)).Has(kFlagAd));
  EXPECT_FALSE(LoadHeader(Reply(query, StoredA())).Has(kFlagAd));
  query.edns.dnssec_ok = false;
  query.authentic_data = true;
  EXPECT_TRUE(LoadHeader(Reply(query, authentic)).Has(kFlagAd));
}

TEST(ReplyTest, TtlsAreReducedByTheAgeButNotBelowZero) {
  EXPECT_EQ(FirstTtl(Reply(Ask(), StoredA(300), {.age = Seconds{0}})), 300u);
  EXPECT_EQ(FirstTtl(Reply(Ask(), StoredA(300), {.age = Seconds{100}})), 200u);
  EXPECT_EQ(FirstTtl(Reply(Ask(), StoredA(300), {.age = Seconds{300}})), 0u);
  EXPECT_EQ(FirstTtl(Reply(Ask(), StoredA(300), {.age = Seconds{1} * 5'000'000'000})), 0u);
}

TEST(ReplyTest, FixedTtlReplacesEveryTtl) {
  EXPECT_EQ(FirstTtl(Reply(Ask(), StoredA(300), {.age = Seconds{500}, .fixed_ttl = Seconds{30}})),
            30u);
}

TEST(ReplyTest, HasAnOptExactlyWhenTheQueryHadOne) {
  EXPECT_EQ(FindOpt(Reply(Ask(), StoredA())), std::nullopt);
  Query query = AskWithEdns();
  query.edns.dnssec_ok = true;
  const auto opt = FindOpt(Reply(query, StoredA()));
  ASSERT_TRUE(opt.has_value());
  EXPECT_EQ(opt->udp_payload_size, kOurUdpPayloadSize);
  EXPECT_EQ(opt->version, 0);
  EXPECT_EQ(opt->flags, kEdnsFlagDo);
  EXPECT_THAT(opt->options, IsEmpty());
}

TEST(ReplyTest, ExtendedErrorIsSentOnlyToClientsThatSentAnOpt) {
  ReplyOptions options;
  options.extended_error = ExtendedError{ExtendedErrorCode::kStaleAnswer, "stale"};
  EXPECT_EQ(FindOpt(Reply(Ask(), StoredA(), options)), std::nullopt);
  EXPECT_THAT(FindOpt(Reply(AskWithEdns(), StoredA(), options))->options, ElementsAre(15));
}

TEST(ReplyTest, KeepaliveIsSentOnStreamsToClientsThatSentIt) {
  Query query = AskWithEdns();
  ReplyOptions options{.transport = Transport::kTcp, .keepalive_timeout_100ms = 100};
  EXPECT_THAT(FindOpt(Reply(query, StoredA(), options))->options, IsEmpty());
  query.edns.has_keepalive = true;
  EXPECT_THAT(FindOpt(Reply(query, StoredA(), options))->options, ElementsAre(11));
  options.transport = Transport::kUdp;
  EXPECT_THAT(FindOpt(Reply(query, StoredA(), options))->options, IsEmpty());
}

TEST(ReplyTest, PaddingIsOnlyForPaddedQueriesOverDot) {
  Query query = AskWithEdns();
  query.edns.has_padding = true;
  EXPECT_EQ(Reply(query, StoredA(), {.transport = Transport::kDot}).size(), kResponsePaddingBlock);
  EXPECT_THAT(FindOpt(Reply(query, StoredA(), {.transport = Transport::kTcp}))->options, IsEmpty());
  query.edns.has_padding = false;
  EXPECT_THAT(FindOpt(Reply(query, StoredA(), {.transport = Transport::kDot}))->options, IsEmpty());
}

TEST(ReplyTest, UdpLimitIsTheSmallerOfClientAndServerLimit) {
  EXPECT_EQ(MaxReplySize(Ask(), {}), 512u);
  EXPECT_EQ(MaxReplySize(AskWithEdns(800), {}), 800u);
  EXPECT_EQ(MaxReplySize(AskWithEdns(4096), {}), 1232u);
  EXPECT_EQ(MaxReplySize(AskWithEdns(4096), {.max_udp_payload_size = 4096}), 4096u);
  EXPECT_EQ(MaxReplySize(AskWithEdns(4096), {.max_udp_payload_size = 100}), 512u);
  EXPECT_EQ(MaxReplySize(Ask(), {.transport = Transport::kTcp}), 65535u);
}

TEST(ReplyTest, ReplyThatDoesNotFitHasTcAndNoRecords) {
  const WireMessage reply = Reply(AskWithEdns(), StoredWithRecords(100));
  const MessageHeader header = LoadHeader(reply);
  EXPECT_EQ(header.id, 0xbeef);
  EXPECT_TRUE(header.Has(kFlagTc));
  EXPECT_EQ(header.qdcount, 1);
  EXPECT_EQ(header.ancount, 0);
  EXPECT_EQ(header.arcount, 1);
  EXPECT_EQ(reply.size(), kQuestionEnd + kOptFixedSize);
  EXPECT_FALSE(LoadHeader(Reply(Ask(), StoredWithRecords(100), {.transport = Transport::kTcp}))
                   .Has(kFlagTc));
}

// Some stub resolvers never use TCP (RFC 2181 section 9 allows the partial RRset).
TEST(ReplyTest, ClientWithoutEdnsGetsTheFirstRecordsWithTc) {
  const WireMessage reply = Reply(Ask(), StoredWithRecords(100));
  const MessageHeader header = LoadHeader(reply);
  EXPECT_TRUE(header.Has(kFlagTc));
  EXPECT_EQ(header.ancount, 29);  // 33 octets, and 16 per record, in 512.
  EXPECT_EQ(reply.size(), 33u + 29 * 16);
  EXPECT_EQ(LoadHeader(Reply(Ask(), StoredWithRecords(29))).ancount, 29);
  EXPECT_FALSE(LoadHeader(Reply(Ask(), StoredWithRecords(29))).Has(kFlagTc));
}

// ANY is used for amplification (RFC 8482 section 7).
TEST(ReplyTest, TruncatedReplyToAnyHasNoRecords) {
  const Query query = Ask(QType::kAny);
  MessageBuilder builder = MessageBuilder().Response().Question(kName, QType::kAny);
  for (int i = 0; i < 100; ++i) builder.Answer(ARecord(WireName::Pointer(12), 60, "192.0.2.1"));
  const WireMessage reply = Reply(query, Store(builder.Build(), query.question));
  EXPECT_TRUE(LoadHeader(reply).Has(kFlagTc));
  EXPECT_EQ(LoadHeader(reply).ancount, 0);
}

TEST(ReplyTest, ClientWithoutEdnsGetsNoPartOfARecord) {
  MessageBuilder builder = MessageBuilder().Response().Question(kName, QType::kTxt);
  builder.Answer(
      {.owner = WireName::Pointer(12), .type = QType::kTxt, .rdata = WireMessage(600, 0)});
  const Query query = Ask(QType::kTxt);
  const WireMessage reply = Reply(query, Store(builder.Build(), query.question));
  EXPECT_TRUE(LoadHeader(reply).Has(kFlagTc));
  EXPECT_EQ(LoadHeader(reply).ancount, 0);
  EXPECT_EQ(reply.size(), kQuestionEnd);
}

// An answer of a CNAME, the addresses 192.0.2.0 to 192.0.2.(count-1) and their RRSIG.
StoredMessage StoredAddresses(int count) {
  const WireName alias = "a.example.com";
  MessageBuilder builder = MessageBuilder().Response().Question(kName, QType::kA);
  builder.Answer(CnameRecord(WireName::Pointer(12), 60, alias));
  for (int i = 0; i < count; ++i) {
    builder.Answer(ARecord(alias, 60 + i, absl::StrCat("192.0.2.", i)));
  }
  WireMessage rrsig(27, 0);
  rrsig[1] = static_cast<uint8_t>(QType::kA);
  builder.Answer({.owner = alias, .type = QType::kRrsig, .ttl = 60, .rdata = rrsig});
  return Store(builder.Build(), Ask().question);
}

// The last octets of the addresses of a reply, in order.
std::vector<int> Addresses(const WireMessage& reply, const StoredMessage& stored) {
  std::vector<int> addresses;
  const size_t ancount = LoadHeader(reply).ancount;
  for (const uint16_t offset : absl::MakeConstSpan(stored.ttl_offsets).first(ancount)) {
    if (LoadU16(&reply[offset - size_t{4}]) == static_cast<uint16_t>(QType::kA)) {
      addresses.push_back(reply[offset + size_t{9}]);
    }
  }
  return addresses;
}

TEST(ReplyTest, RotationBeginsWithAnotherAddress) {
  const StoredMessage stored = StoredAddresses(4);
  const auto rotated = [&](uint32_t rotation) {
    return Addresses(Reply(AskWithEdns(), stored, {.rotation = rotation}), stored);
  };
  EXPECT_THAT(rotated(0), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(rotated(0x40000000), ElementsAre(1, 2, 3, 0));
  EXPECT_THAT(rotated(0xbfffffff), ElementsAre(2, 3, 0, 1));
  EXPECT_THAT(rotated(0xffffffff), ElementsAre(3, 0, 1, 2));
}

TEST(ReplyTest, RotationChangesNothingExceptTheAddresses) {
  const StoredMessage stored = StoredAddresses(3);
  WireMessage plain = Reply(AskWithEdns(), stored);
  WireMessage rotated = Reply(AskWithEdns(), stored, {.rotation = 0x80000000});
  EXPECT_NE(rotated, plain);
  for (const uint16_t offset : stored.ttl_offsets) {
    for (WireMessage* reply : {&plain, &rotated}) {
      if (LoadU16(&(*reply)[offset - size_t{4}]) != static_cast<uint16_t>(QType::kA)) continue;
      StoreU32(&(*reply)[offset + size_t{6}], 0);
    }
  }
  EXPECT_EQ(rotated, plain);
  const StoredMessage one = StoredA();
  EXPECT_EQ(Reply(Ask(), one, {.rotation = 0x80000000}), Reply(Ask(), one));
}

TEST(ReplyTest, TruncatedReplyIsRotatedOverAllAddresses) {
  const StoredMessage stored = StoredAddresses(60);
  const WireMessage reply = Reply(Ask(), stored, {.rotation = 0xfc000000});
  const std::vector<int> addresses = Addresses(reply, stored);
  ASSERT_GT(addresses.size(), 2u);
  ASSERT_LT(addresses.size(), 60u);
  EXPECT_EQ(addresses[0], 59);
  EXPECT_EQ(addresses[1], 0);
}

TEST(ReplyTest, UsesTheLastOctetThatFits) {
  // 33 octets and 16 per record: 29 records and an OPT need 508 octets; 30 without an OPT need 513.
  const StoredMessage stored = StoredWithRecords(29);
  const size_t size = stored.wire.size();
  const auto limited = [](uint16_t max) { return ReplyOptions{.max_udp_payload_size = max}; };
  const auto fitting = static_cast<uint16_t>(StoredWithRecords(40).wire.size() + kOptFixedSize);
  EXPECT_EQ(Reply(AskWithEdns(512), stored).size(), size + kOptFixedSize);
  EXPECT_EQ(Reply(AskWithEdns(4096), StoredWithRecords(40), limited(fitting)).size(), fitting);
  EXPECT_TRUE(LoadHeader(Reply(AskWithEdns(4096), StoredWithRecords(40),
                               limited(static_cast<uint16_t>(fitting - 1))))
                  .Has(kFlagTc));
}

// An answer with the given numbers of proof signatures (39 octets each) and additional addresses
// (16 octets each).
StoredMessage StoredWithExtra(int signatures, int addresses) {
  const Query query = Ask(QType::kMx);
  MessageBuilder builder = MessageBuilder().Response().Question(kName, QType::kMx);
  builder.Answer({.owner = WireName::Pointer(12),
                  .type = QType::kMx,
                  .ttl = 60,
                  .rdata = MxRdata(10, "mx.example.com")});
  WireMessage rrsig(27, 0);
  rrsig[1] = static_cast<uint8_t>(QType::kNsec);
  for (int i = 0; i < signatures; ++i) {
    builder.Authority(
        {.owner = WireName::Pointer(16), .type = QType::kRrsig, .ttl = 60, .rdata = rrsig});
  }
  for (int i = 0; i < addresses; ++i) {
    builder.Additional(ARecord("mx.example.com", 60, "192.0.2.1"));
  }
  return Store(builder.Build(), query.question);
}

TEST(ReplyTest, AdditionalRecordsAreLeftOutBeforeTruncation) {
  const auto reply = [](int signatures, int addresses) {
    const WireMessage octets =
        Reply(Ask(QType::kMx), StoredWithExtra(signatures, addresses), {.age = Seconds{1}});
    const MessageHeader header = LoadHeader(octets);
    EXPECT_LE(octets.size(), 512u);
    EXPECT_FALSE(header.Has(kFlagTc));
    EXPECT_EQ(FirstTtl(octets), 59u);
    EXPECT_EQ(FindOpt(octets), std::nullopt);
    return std::vector<int>{header.ancount, header.nscount, header.arcount};
  };
  EXPECT_THAT(reply(2, 2), ElementsAre(1, 2, 2));
  EXPECT_THAT(reply(2, 40), ElementsAre(1, 2, 0));
  // Proofs are not additional records.
  EXPECT_TRUE(LoadHeader(Reply(Ask(QType::kMx), StoredWithExtra(20, 0))).Has(kFlagTc));
}

TEST(ReplyTest, OptIsAddedAfterAdditionalRecordsAreLeftOut) {
  const WireMessage octets = Reply(AskWithEdns(512), StoredWithExtra(2, 40));
  EXPECT_EQ(LoadHeader(octets).arcount, 1);
  EXPECT_TRUE(FindOpt(octets).has_value());
}

TEST(ReplyTest, SmallBufferTruncatesAndABufferSmallerThanTheQuestionStaysEmpty) {
  const StoredMessage stored = StoredA();
  std::array<uint8_t, kQuestionEnd> exact;
  EXPECT_EQ(BuildReply(Ask(), {stored.wire, stored.ttl_offsets}, {}, absl::MakeSpan(exact)),
            kQuestionEnd);
  EXPECT_TRUE(LoadHeader(exact).Has(kFlagTc));
  std::array<uint8_t, kQuestionEnd - 1> small;
  EXPECT_EQ(BuildReply(Ask(), {stored.wire, stored.ttl_offsets}, {}, absl::MakeSpan(small)), 0u);
}

TEST(ReplyTest, CookieIsInEveryReplyToAQueryWithAnOpt) {
  Query query = AskWithEdns();
  query.reply_cookie = FullCookie{1, 2, 3};
  EXPECT_THAT(FindOpt(Reply(query, StoredA()))->options, ElementsAre(10));
  EXPECT_THAT(FindOpt(RcodeReply(query, Rcode::kServFail))->options, ElementsAre(10));
  EXPECT_EQ(FindOpt(RcodeReply(query, Rcode::kBadCookie))->extended_rcode, 1);
  const WireMessage reply = Reply(query, StoredA());
  EXPECT_TRUE(std::equal(query.reply_cookie->begin(), query.reply_cookie->end(),
                         reply.end() - query.reply_cookie->size()));
  query.edns.present = false;
  EXPECT_FALSE(FindOpt(Reply(query, StoredA())).has_value());
}

TEST(ReplyTest, RecordsAreLeftOutForTheCookie) {
  Query query = AskWithEdns(512);
  const int fitting = (512 - static_cast<int>(kQuestionEnd + kOptFixedSize)) / 16;
  EXPECT_FALSE(LoadHeader(Reply(query, StoredWithRecords(fitting))).Has(kFlagTc));
  query.reply_cookie = FullCookie{};
  const WireMessage reply = Reply(query, StoredWithRecords(fitting));
  EXPECT_TRUE(LoadHeader(reply).Has(kFlagTc));
  EXPECT_THAT(FindOpt(reply)->options, ElementsAre(10));
}

TEST(ReplyTest, NsidIsSentToClientsThatSentIt) {
  Query query = AskWithEdns();
  query.message_size = 100;
  const ReplyOptions named{.nsid = "node-7"};
  EXPECT_THAT(FindOpt(Reply(query, StoredA(), named))->options, IsEmpty());
  query.edns.has_nsid = true;
  EXPECT_THAT(FindOpt(Reply(query, StoredA(), named))->options, ElementsAre(3));
  EXPECT_THAT(FindOpt(Reply(query, StoredA()))->options, IsEmpty());
  query.reply_cookie = FullCookie{};
  query.edns.has_keepalive = true;
  const ReplyOptions all{
      .transport = Transport::kTcp, .keepalive_timeout_100ms = 100, .nsid = "node-7"};
  EXPECT_THAT(FindOpt(Reply(query, StoredA(), all))->options, ElementsAre(10, 3, 11));
}

// The source address may be spoofed.
TEST(ReplyTest, NsidMakesNoUdpReplyLongerThanTwiceItsQuery) {
  Query query = AskWithEdns();
  query.edns.has_nsid = true;
  const std::string name(30, 'x');
  const ReplyOptions udp{.nsid = name};
  query.message_size = 1000;
  const size_t size = Reply(query, StoredA(), udp).size();
  query.message_size = static_cast<uint16_t>((size + 1) / 2);
  EXPECT_THAT(FindOpt(Reply(query, StoredA(), udp))->options, ElementsAre(3));
  query.message_size = static_cast<uint16_t>((size - 1) / 2);
  EXPECT_THAT(FindOpt(Reply(query, StoredA(), udp))->options, IsEmpty());
  EXPECT_THAT(
      FindOpt(Reply(query, StoredA(), {.transport = Transport::kTcp, .nsid = name}))->options,
      ElementsAre(3));
  query.message_size = 30;
  EXPECT_THAT(FindOpt(RcodeReply(query, Rcode::kServFail, udp))->options, IsEmpty());
  query.has_good_cookie = true;
  EXPECT_THAT(FindOpt(RcodeReply(query, Rcode::kServFail, udp))->options, ElementsAre(3));
}

TEST(ReplyTest, GrowthOfAReplyHasALimitOverUdp) {
  Query query = AskWithEdns();
  query.message_size = 50;
  const StoredMessage stored = StoredWithRecords(10);
  EXPECT_FALSE(LoadHeader(Reply(query, stored)).Has(kFlagTc));
  const WireMessage reply = Reply(query, stored, {.max_growth = 2});
  EXPECT_TRUE(LoadHeader(reply).Has(kFlagTc));
  EXPECT_LE(reply.size(), 100u);
  EXPECT_FALSE(LoadHeader(Reply(query, stored, {.transport = Transport::kTcp, .max_growth = 2}))
                   .Has(kFlagTc));
}

TEST(ReplyTest, NsidThatDoesNotFitIsLeftOut) {
  Query query = AskWithEdns(512);
  query.message_size = 1000;
  query.qname = DomainName::FromText(std::string(60, 'n') + "." + std::string(60, 'n') + "." +
                                     std::string(60, 'n') + "." + std::string(60, 'n'))
                    .value();
  query.question.qname = query.qname.Canonical();
  query.edns.has_nsid = true;
  query.reply_cookie = FullCookie{};
  const std::string name(255, 'x');
  const WireMessage reply = RcodeReply(query, Rcode::kServFail, {.nsid = name});
  EXPECT_LE(reply.size(), 512u);
  EXPECT_THAT(FindOpt(reply)->options, ElementsAre(10));
}

// RFC 8482 section 7: amplification attacks use ANY.
TEST(ReplyTest, AnyOverUdpHasAtMost512Octets) {
  Query query = AskWithEdns(4096);
  query.question.qtype = QType::kAny;
  EXPECT_EQ(MaxReplySize(query, {}), 512u);
  EXPECT_EQ(MaxReplySize(query, {.max_udp_payload_size = 4096}), 512u);
  EXPECT_EQ(MaxReplySize(query, {.transport = Transport::kDot}), kMaxMessageSize);
}

TEST(ReplyTest, QueryWithoutAQuestionGetsAReplyWithoutOne) {
  Query query = AskWithEdns();
  query.has_question = false;
  query.reply_cookie = FullCookie{};
  const WireMessage reply = RcodeReply(query, Rcode::kNoError);
  EXPECT_EQ(LoadHeader(reply).qdcount, 0);
  EXPECT_EQ(reply.size(), kHeaderSize + kOptFixedSize + 4 + 24);
  EXPECT_THAT(FindOpt(reply)->options, ElementsAre(10));
}

TEST(ReplyTest, TruncatedReplyHasTcAndNoRecords) {
  WireMessage out(kMaxMessageSize);
  out.resize(BuildTruncatedReply(AskWithEdns(), {}, absl::MakeSpan(out)));
  const MessageHeader header = LoadHeader(out);
  EXPECT_TRUE(header.Has(kFlagTc));
  EXPECT_EQ(header.header_rcode(), Rcode::kNoError);
  EXPECT_EQ(header.ancount, 0);
  EXPECT_EQ(out.size(), kQuestionEnd + kOptFixedSize);
}

TEST(ReplyTest, StoredErrorWithoutAQuestionGivesItsRcode) {
  const StoredMessage stored =
      Store(MessageBuilder().Response(Rcode::kRefused).Build(), Ask().question);
  const WireMessage reply = Reply(Ask(), stored);
  EXPECT_EQ(LoadHeader(reply).header_rcode(), Rcode::kRefused);
  EXPECT_FALSE(LoadHeader(reply).Has(kFlagTc));
  EXPECT_EQ(reply.size(), kQuestionEnd);
}

TEST(RcodeReplyTest, HasTheQuestionAndNoRecords) {
  const WireMessage reply = RcodeReply(Ask(), Rcode::kServFail);
  const MessageHeader header = LoadHeader(reply);
  EXPECT_EQ(header.flags, kFlagQr | kFlagRa | kFlagRd | 2);
  EXPECT_EQ(header.qdcount, 1);
  EXPECT_EQ(header.ancount + header.nscount + header.arcount, 0);
  EXPECT_EQ(reply.size(), kQuestionEnd);
}

TEST(RcodeReplyTest, RcodeAbove15NeedsAnOptAndIsServfailWithoutOne) {
  const WireMessage with = RcodeReply(AskWithEdns(), Rcode::kBadCookie);
  EXPECT_EQ(static_cast<int>(LoadHeader(with).header_rcode()), 7);
  EXPECT_EQ(FindOpt(with)->extended_rcode, 1);
  EXPECT_EQ(LoadHeader(RcodeReply(Ask(), Rcode::kBadCookie)).header_rcode(), Rcode::kServFail);
}

}  // namespace
}  // namespace dotcache
