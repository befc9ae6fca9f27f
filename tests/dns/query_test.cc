// SPDX-License-Identifier: Apache-2.0
#include "dns/query.h"

#include <ostream>
#include <string>

#include "dns/message_header.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"

namespace dotcache {

void PrintTo(const Rejection& rejection, std::ostream* out) {
  *out << RejectionReasonName(rejection.reason) << " " << RcodeName(rejection.rcode)
       << (rejection.reply ? "" : " dropped");
}

namespace {

using Reason = RejectionReason;

constexpr uint16_t kQuestionSize = 21;  // "www.example.com" with type and class.

MessageBuilder Asked(QType qtype = QType::kA, QClass qclass = QClass::kIn) {
  return MessageBuilder().Question("www.example.com", qtype, qclass);
}

Query Accepted(Bytes message) {
  const std::variant<Query, Rejection> result = ParseQuery(message);
  if (const Rejection* rejection = std::get_if<Rejection>(&result)) {
    ADD_FAILURE() << ::testing::PrintToString(*rejection);
    return Query();
  }
  return std::get<Query>(result);
}

Rejection Rejected(Bytes message) {
  const std::variant<Query, Rejection> result = ParseQuery(message);
  if (!std::holds_alternative<Rejection>(result)) {
    ADD_FAILURE() << "accepted " << std::get<Query>(result).question.ToString();
    return Rejection();
  }
  return std::get<Rejection>(result);
}

void ExpectRejected(Bytes message, Reason reason, Rcode rcode, uint16_t question_size) {
  const Rejection rejection = Rejected(message);
  EXPECT_EQ(RejectionReasonName(rejection.reason), RejectionReasonName(reason));
  EXPECT_EQ(RcodeName(rejection.rcode), RcodeName(rcode));
  EXPECT_TRUE(rejection.reply);
  EXPECT_EQ(rejection.question_size, question_size);
}

void ExpectFormErr(Bytes message, Reason reason, uint16_t question_size = kQuestionSize) {
  ExpectRejected(message, reason, Rcode::kFormErr, question_size);
}

WireMessage Prefix(const WireMessage& message, size_t size) {
  return WireMessage(message.begin(), message.begin() + size);
}

WireMessage WithOption(uint16_t code, WireMessage data) {
  return Asked().Opt({.options = {{code, std::move(data)}}}).Build();
}

WireMessage AskedName(const WireName& qname) {
  return MessageBuilder().Question(qname, QType::kA).Build();
}

Record Tsig() {
  return {.owner = "key.example",
          .type = QType::kTsig,
          .ttl = 0,
          .rdata = WireMessage(17),
          .klass = QClass::kAny};
}

TEST(ParseQueryTest, ParsesAPlainQuery) {
  const Query query = Accepted(MakeQuery("WWW.Example.com", QType::kAaaa, 0xabcd));
  EXPECT_EQ(query.id, 0xabcd);
  EXPECT_TRUE(query.recursion_desired);
  EXPECT_FALSE(query.authentic_data);
  EXPECT_FALSE(query.checking_disabled);
  EXPECT_EQ(query.qname.ToString(), "WWW.Example.com.");
  EXPECT_EQ(query.question.ToString(), "www.example.com. AAAA IN");
  EXPECT_FALSE(query.edns.present);
  EXPECT_EQ(query.edns.udp_payload_size, 512);
}

TEST(ParseQueryTest, ReadsRdAdAndCdAndIgnoresOtherFlags) {
  EXPECT_TRUE(Accepted(Asked().Flags(kFlagAd).Build()).authentic_data);
  EXPECT_TRUE(Accepted(Asked().Flags(kFlagCd).Build()).checking_disabled);
  EXPECT_FALSE(Accepted(Asked().Flags(kFlagCd).Build()).recursion_desired);
  for (uint16_t flag : {kFlagAa, kFlagTc, kFlagRa, kFlagZ, kRcodeMask}) {
    const Query query = Accepted(Asked().Flags(flag).Build());
    EXPECT_FALSE(query.recursion_desired || query.authentic_data || query.checking_disabled);
  }
}

TEST(ParseQueryTest, ReadsEdns) {
  const Query query = Accepted(Asked()
                                   .Opt({.udp_payload_size = 4096,
                                         .flags = kEdnsFlagDo,
                                         .options = {{12, {0, 0}}, {65001, {1}}}})
                                   .Build());
  EXPECT_TRUE(query.edns.present);
  EXPECT_EQ(query.edns.udp_payload_size, 4096);
  EXPECT_TRUE(query.edns.dnssec_ok);
  EXPECT_TRUE(query.edns.has_padding);
}

TEST(ParseQueryTest, UnusualButLegalEdnsIsAccepted) {
  EXPECT_FALSE(Accepted(Asked().Opt().Build()).edns.dnssec_ok);
  EXPECT_EQ(Accepted(Asked().Opt({.udp_payload_size = 0}).Build()).edns.udp_payload_size, 512);
  Accepted(Asked().Opt({.udp_payload_size = 65535}).Build());
  Accepted(Asked().Opt({.flags = 0x7fff}).Build());
  Accepted(Asked().Opt({.extended_rcode = 255}).Build());
  RawOpt many;
  for (uint16_t i = 0; i < 100; ++i) many.options.push_back({static_cast<uint16_t>(300 + i), {1}});
  Accepted(Asked().Opt(many).Build());
  Accepted(WithOption(15, {0, 3, 'x'}));
  Accepted(WithOption(3, {}));
  Accepted(WithOption(11, {}));
  Accepted(WithOption(8, {0, 1, 24, 0, 192, 0, 2}));
}

TEST(ParseQueryTest, NamesUpToTheLimitsAreAccepted) {
  const std::string label(63, 'x');
  const std::string three = label + "." + label + "." + label + ".";
  EXPECT_EQ(Accepted(AskedName(three + std::string(61, 'y'))).qname.size(), 255u);
  std::string many;
  for (int i = 0; i < 127; ++i) many += "A.";
  EXPECT_EQ(Accepted(AskedName(many)).question.qname.LabelCount(), 127);
  EXPECT_EQ(Accepted(AskedName(".")).qname.size(), 1u);
  EXPECT_EQ(Accepted(AskedName(WireMessage{4, 0, '.', ' ', 0xff, 0})).qname.ToString(),
            "\\000\\.\\032\\255.");
  ExpectFormErr(AskedName(three + std::string(62, 'y')), Reason::kBadQuestion, 0);
  ExpectFormErr(AskedName(many + "a"), Reason::kBadQuestion, 0);
  WireMessage long_name;
  for (int i = 0; i < 16; ++i) long_name.insert(long_name.end(), 62, 61);
  long_name.push_back(0);
  ExpectFormErr(AskedName(long_name), Reason::kBadQuestion, 0);
}

TEST(ParseQueryTest, EveryOrdinaryTypeIsAccepted) {
  for (int qtype : {1, 2, 6, 10, 16, 28, 46, 48, 64, 65, 128, 255, 256, 65280, 65535}) {
    EXPECT_EQ(Accepted(Asked(static_cast<QType>(qtype)).Build()).question.qtype,
              static_cast<QType>(qtype));
  }
}

TEST(ParseQueryTest, TruncatedHeadersAndResponsesAreDropped) {
  const WireMessage query = MakeQuery("www.example.com", QType::kA);
  for (size_t size = 0; size < kHeaderSize; ++size) {
    const Rejection rejection = Rejected(Prefix(query, size));
    EXPECT_EQ(rejection.reason, Reason::kTooShort);
    EXPECT_FALSE(rejection.reply);
  }
  for (int flags : {0x8000, 0xa000, 0x8180}) {
    const Rejection rejection = Rejected(Asked().Flags(static_cast<uint16_t>(flags)).Build());
    EXPECT_EQ(rejection.reason, Reason::kIsResponse);
    EXPECT_FALSE(rejection.reply);
  }
}

TEST(ParseQueryTest, OtherOpcodesGetNotImp) {
  for (uint16_t opcode :
       std::initializer_list<uint16_t>{1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}) {
    const auto flags = static_cast<uint16_t>(opcode << 11);
    ExpectRejected(Asked().Flags(flags).Build(), Reason::kOpcode, Rcode::kNotImp, kQuestionSize);
    ExpectRejected(MessageBuilder().Flags(flags).Build(), Reason::kOpcode, Rcode::kNotImp, 0);
  }
}

TEST(ParseQueryTest, NotifyAndUpdateGetNotAuth) {
  for (Opcode opcode : {Opcode::kNotify, Opcode::kUpdate}) {
    const auto flags = static_cast<uint16_t>(static_cast<int>(opcode) << 11);
    ExpectRejected(Asked(QType::kSoa).Flags(flags).Build(), Reason::kOpcode, Rcode::kNotAuth,
                   kQuestionSize);
    ExpectRejected(Asked(QType::kSoa).Flags(flags).Additional(Tsig()).Build(), Reason::kOpcode,
                   Rcode::kNotAuth, kQuestionSize);
    ExpectRejected(MessageBuilder().Flags(flags).Build(), Reason::kOpcode, Rcode::kFormErr, 0);
    ExpectRejected(Prefix(Asked().Flags(flags).Build(), 20), Reason::kOpcode, Rcode::kFormErr, 0);
  }
}

TEST(ParseQueryTest, QueryWithoutExactlyOneQuestionIsMalformed) {
  ExpectFormErr(MessageBuilder().Build(), Reason::kQuestionCount, 0);
  ExpectFormErr(MessageBuilder().Opt().Build(), Reason::kQuestionCount, 0);
  ExpectFormErr(Asked().Question("www.example.com", QType::kA).Build(), Reason::kQuestionCount, 0);
  ExpectFormErr(Asked().Question("a.example", QType::kMx).Build(), Reason::kQuestionCount, 0);
  ExpectFormErr(Asked().Qdcount(65535).Build(), Reason::kQuestionCount, 0);
}

TEST(ParseQueryTest, QueryWithoutAQuestionMayAskForACookie) {
  const RawOpt cookie{.options = {{10, WireMessage(8, 7)}}};
  const Query query = Accepted(MessageBuilder().Id(9).Opt(cookie).Build());
  EXPECT_FALSE(query.has_question);
  EXPECT_EQ(query.id, 9);
  EXPECT_EQ(query.edns.cookie.size, 8);
  EXPECT_TRUE(Accepted(Asked().Opt(cookie).Build()).has_question);

  ExpectFormErr(MessageBuilder().Opt(cookie).Raw(WireMessage(1)).Build(), Reason::kTrailingOctets,
                0);
  ExpectFormErr(MessageBuilder().Opt({.options = {{10, WireMessage(9)}}}).Build(), Reason::kBadEdns,
                0);
  ExpectFormErr(MessageBuilder().Answer(ARecord("a", 1, "192.0.2.1")).Opt(cookie).Build(),
                Reason::kUnexpectedRecords, 0);
  ExpectRejected(MessageBuilder().Opt({.version = 1}).Build(), Reason::kEdnsVersion,
                 Rcode::kBadVers, 0);
}

TEST(ParseQueryTest, FirstCookieAndNsidAreStored) {
  const WireMessage first = {1, 2, 3, 4, 5, 6, 7, 8};
  const Query query =
      Accepted(Asked().Opt({.options = {{3, {}}, {10, first}, {10, WireMessage(16, 9)}}}).Build());
  EXPECT_TRUE(query.edns.has_nsid);
  ASSERT_EQ(query.edns.cookie.size, 8);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), query.edns.cookie.octets.begin()));
  EXPECT_FALSE(query.reply_cookie.has_value());
  EXPECT_EQ(Accepted(WithOption(10, WireMessage(40, 9))).edns.cookie.size, 40);
  EXPECT_EQ(Accepted(Asked().Build()).edns.cookie.size, 0);
}

TEST(ParseQueryTest, TruncatedQuestionIsMalformed) {
  const WireMessage query = MakeQuery("www.example.com", QType::kA);
  for (size_t size = kHeaderSize; size < query.size(); ++size) {
    ExpectFormErr(Prefix(query, size), Reason::kBadQuestion, 0);
  }
}

TEST(ParseQueryTest, ReservedLabelsAndPointersInTheQnameAreMalformed) {
  for (int type : {0x40, 0x41, 0x80, 0xbf}) {
    ExpectFormErr(AskedName(WireMessage{static_cast<uint8_t>(type), 'a', 0}), Reason::kBadQuestion,
                  0);
  }
  for (int offset : {0, 4, 11, 12, 13, 14, 16, 18, 200, 0x3fff}) {
    const auto target = static_cast<uint16_t>(offset);
    ExpectFormErr(AskedName(WireName::Pointer(target)), Reason::kBadQuestion, 0);
    ExpectFormErr(AskedName(WireName::Pointer(target, "www")), Reason::kBadQuestion, 0);
  }
  ExpectFormErr(MessageBuilder().Qdcount(1).Raw(WireMessage{0xc0}).Build(), Reason::kBadQuestion,
                0);
}

// The reply copies the octets of the question, so the gate must not take such an octet for a
// length.
TEST(ParseQueryTest, OctetOver63IsNeverALabelLength) {
  for (int octet = 64; octet < 256; ++octet) {
    WireMessage qname(static_cast<size_t>(octet) + 1, 'x');
    qname[0] = static_cast<uint8_t>(octet);
    qname.push_back(0);
    ExpectFormErr(AskedName(qname), Reason::kBadQuestion, 0);
  }
}

TEST(ParseQueryTest, RecordsOtherThanOneOptAreMalformed) {
  const Record a = ARecord("www.example.com", 1, "192.0.2.1");
  ExpectFormErr(Asked().Answer(a).Build(), Reason::kUnexpectedRecords);
  ExpectFormErr(Asked().Authority(a).Build(), Reason::kUnexpectedRecords);
  ExpectFormErr(Asked().Additional(a).Build(), Reason::kUnexpectedRecords);
  ExpectFormErr(Asked().Opt().Additional(a).Build(), Reason::kUnexpectedRecords);
  ExpectFormErr(Asked().Arcount(1).Build(), Reason::kUnexpectedRecords);
  ExpectFormErr(Asked().Ancount(65535).Build(), Reason::kUnexpectedRecords);
  ExpectFormErr(Asked().Opt().Arcount(65535).Build(), Reason::kUnexpectedRecords);
  ExpectFormErr(Asked().Answer(OptRecord()).Build(), Reason::kUnexpectedRecords);
  ExpectFormErr(Asked().Authority(OptRecord()).Build(), Reason::kUnexpectedRecords);
}

TEST(ParseQueryTest, TrailingOctetsAreMalformed) {
  ExpectFormErr(Asked().Raw(WireMessage{0}).Build(), Reason::kTrailingOctets);
  ExpectFormErr(Asked().Raw(WireMessage(100)).Build(), Reason::kTrailingOctets);
  ExpectFormErr(Asked().Raw(WireMessage(3900)).Build(), Reason::kTrailingOctets);
  ExpectFormErr(Asked().Opt().Raw(WireMessage(4)).Build(), Reason::kTrailingOctets);
  ExpectFormErr(Asked().Opt().Arcount(0).Build(), Reason::kTrailingOctets);
}

TEST(ParseQueryTest, QueriesOver4096OctetsAreMalformed) {
  const auto of_size = [](size_t size) {
    return WithOption(65001, WireMessage(size - Asked().Opt().Build().size() - 4));
  };
  EXPECT_EQ(of_size(4096).size(), 4096u);
  EXPECT_TRUE(Accepted(of_size(4096)).edns.present);
  ExpectFormErr(of_size(4097), Reason::kTrailingOctets);
  ExpectFormErr(of_size(65535), Reason::kTrailingOctets);
  ExpectFormErr(Asked().Raw(WireMessage(65535 - 33)).Build(), Reason::kTrailingOctets);
}

TEST(ParseQueryTest, MalformedOptIsRejected) {
  ExpectFormErr(Asked().Opt().Opt().Build(), Reason::kBadEdns);
  Record opt = OptRecord();
  opt.owner = "a";
  ExpectFormErr(Asked().Additional(opt).Build(), Reason::kBadEdns);
  opt = OptRecord();
  opt.rdlength = 1;
  ExpectFormErr(Asked().Additional(opt).Build(), Reason::kBadEdns);
  opt.rdlength = 65535;
  ExpectFormErr(Asked().Additional(opt).Build(), Reason::kBadEdns);
  opt.rdlength = std::nullopt;
  opt.rdata = {0, 10, 0, 8, 1};
  ExpectFormErr(Asked().Additional(opt).Build(), Reason::kBadEdns);
  opt.rdata = {0, 10, 0};
  ExpectFormErr(Asked().Additional(opt).Build(), Reason::kBadEdns);
}

TEST(ParseQueryTest, EveryTruncationOfAnOptIsMalformed) {
  const WireMessage query = WithOption(65001, {1, 2, 3});
  for (size_t size = kHeaderSize + kQuestionSize; size < query.size(); ++size) {
    EXPECT_EQ(Rejected(Prefix(query, size)).rcode, Rcode::kFormErr);
  }
}

TEST(ParseQueryTest, CookiesOfInvalidLengthAreMalformed) {
  for (size_t size : {0, 7, 9, 15, 41}) {
    ExpectFormErr(WithOption(10, WireMessage(size)), Reason::kBadEdns);
  }
  for (size_t size : {8, 16, 24, 40}) Accepted(WithOption(10, WireMessage(size)));
}

TEST(ParseQueryTest, LaterEdnsVersionsGetBadVersWithAnyOptions) {
  for (uint8_t version : {uint8_t{1}, uint8_t{255}}) {
    ExpectRejected(Asked().Opt({.version = version}).Build(), Reason::kEdnsVersion, Rcode::kBadVers,
                   kQuestionSize);
  }
  ExpectRejected(Asked().Opt({.version = 1, .options = {{10, {1}}, {100, {}}}}).Build(),
                 Reason::kEdnsVersion, Rcode::kBadVers, kQuestionSize);
}

TEST(ParseQueryTest, RejectionsContainTheClientsEdns) {
  EXPECT_FALSE(Rejected(Asked(QType::kAxfr).Build()).has_edns);
  const Rejection with_do =
      Rejected(Asked(QType::kAxfr).Opt({.version = 1, .flags = kEdnsFlagDo}).Build());
  EXPECT_TRUE(with_do.has_edns);
  EXPECT_TRUE(with_do.dnssec_ok);
  const Rejection without_do = Rejected(WithOption(10, {1}));
  EXPECT_TRUE(without_do.has_edns);
  EXPECT_FALSE(without_do.dnssec_ok);
}

TEST(ParseQueryTest, SignedQueriesAreNotForwarded) {
  ExpectRejected(Asked().Additional(Tsig()).Build(), Reason::kTransaction, Rcode::kNotAuth,
                 kQuestionSize);
  ExpectRejected(Asked().Opt().Additional(Tsig()).Build(), Reason::kTransaction, Rcode::kNotAuth,
                 kQuestionSize);
  ExpectFormErr(Asked().Additional(Tsig()).Opt().Build(), Reason::kTransaction);
  ExpectFormErr(Asked().Additional(Tsig()).Raw(WireMessage(1)).Build(), Reason::kTransaction);
  ExpectFormErr(Asked().Additional(Tsig()).Additional(Tsig()).Build(), Reason::kTransaction);
  const Record sig0{
      .owner = ".", .type = QType::kSig, .ttl = 0, .rdata = WireMessage(40), .klass = QClass::kAny};
  ExpectFormErr(Asked().Additional(sig0).Build(), Reason::kTransaction);
}

TEST(ParseQueryTest, ZoneTransfersAreNotImplemented) {
  for (QType qtype : {QType::kAxfr, QType::kIxfr}) {
    ExpectRejected(Asked(qtype).Opt().Build(), Reason::kZoneTransfer, Rcode::kNotImp,
                   kQuestionSize);
  }
  ExpectRejected(Asked(QType::kIxfr).Authority(SoaRecord("example.com", 1, 1)).Build(),
                 Reason::kZoneTransfer, Rcode::kNotImp, kQuestionSize);
}

TEST(ParseQueryTest, MetaTypesAreRejected) {
  for (QType qtype : {QType::kNone, QType::kOpt, QType::kTsig, QType::kTkey}) {
    ExpectFormErr(Asked(qtype).Build(), Reason::kMetaType);
  }
  for (QType qtype : {QType::kMaila, QType::kMailb}) {
    ExpectRejected(Asked(qtype).Build(), Reason::kMetaType, Rcode::kNotImp, kQuestionSize);
  }
}

TEST(ParseQueryTest, OnlyClassesInternetAndChaosAreAccepted) {
  const auto expect = [](uint16_t qclass, Rcode rcode) {
    ExpectRejected(Asked(QType::kTxt, QClass{qclass}).Build(), Reason::kClass, rcode,
                   kQuestionSize);
  };
  expect(0, Rcode::kFormErr);
  expect(254, Rcode::kFormErr);
  expect(255, Rcode::kFormErr);
  EXPECT_EQ(Accepted(Asked(QType::kTxt, QClass::kChaos).Build()).question.qclass, QClass::kChaos);
  expect(4, Rcode::kRefused);
  expect(2, Rcode::kNotImp);
  expect(65535, Rcode::kNotImp);
}

TEST(ParseQueryTest, EveryReasonHasAName) {
  for (int reason = 0; reason < kRejectionReasonCount; ++reason) {
    EXPECT_FALSE(RejectionReasonName(static_cast<Reason>(reason)).empty());
  }
  EXPECT_EQ(RejectionReasonName(Reason::kClass), "class");
  EXPECT_EQ(RejectionReasonName(Reason::kNoCookie), "no_cookie");
  EXPECT_EQ(RejectionReasonName(Reason::kBadCookie), "bad_cookie");
  EXPECT_EQ(RejectionReasonName(Reason::kReplyRate), "reply_rate");
}

TEST(ParseQueryTest, QueryHasItsSize) {
  const WireMessage message = MakeQuery("www.example.com", QType::kA);
  EXPECT_EQ(std::get<Query>(ParseQuery(message)).message_size, message.size());
}

TEST(ParseQueryTest, WellFormedQueryCanBeRejectedLater) {
  const WireMessage message = Asked().Opt({.flags = kEdnsFlagDo}).Build();
  const Rejection rejection = RejectionOf(Accepted(message), Reason::kClass, Rcode::kRefused);
  EXPECT_EQ(rejection.reason, Reason::kClass);
  EXPECT_EQ(rejection.rcode, Rcode::kRefused);
  EXPECT_TRUE(rejection.reply && rejection.has_edns && rejection.dnssec_ok);
  EXPECT_EQ(rejection.question_size, kQuestionSize);
  const Query probe = Accepted(MessageBuilder().Opt({.options = {{10, WireMessage(8)}}}).Build());
  EXPECT_EQ(RejectionOf(probe, Reason::kQuestionCount, Rcode::kFormErr).question_size, 0);
}

// The effect of a flipped octet is not predicted. The result is always a rejection, or a query with
// valid fields.
TEST(ParseQueryTest, FlippedOctetsGiveAValidQueryOrARejection) {
  const WireMessage query =
      Asked().Opt({.flags = kEdnsFlagDo, .options = {{10, WireMessage(8)}, {12, {0, 0}}}}).Build();
  for (size_t at = 0; at < query.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      WireMessage changed = query;
      changed[at] = static_cast<uint8_t>(value);
      const std::variant<Query, Rejection> result = ParseQuery(changed);
      if (const Query* accepted = std::get_if<Query>(&result)) {
        EXPECT_TRUE(!accepted->has_question || accepted->question.MatchesMessage(changed));
        EXPECT_EQ(accepted->qname.Canonical(), accepted->question.qname);
      } else {
        const Rejection& rejection = std::get<Rejection>(result);
        EXPECT_LE(kHeaderSize + rejection.question_size, changed.size());
      }
    }
  }
}

}  // namespace
}  // namespace dotcache
