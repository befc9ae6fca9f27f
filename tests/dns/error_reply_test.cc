// SPDX-License-Identifier: Apache-2.0
// From a rejected message to the octets of its reply.
#include "dns/error_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "dns/message_header.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"

namespace dotcache {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kName[] = "www.example.com";
constexpr uint16_t kDo = 0x8000;
constexpr uint16_t kPadding = 12;

MessageBuilder Asked(QType qtype = QType::kA, QClass qclass = QClass::kIn) {
  return MessageBuilder().Question(kName, qtype, qclass);
}

WireMessage OctetsOfReply(const WireMessage& message, Transport transport = Transport::kUdp) {
  const std::variant<Query, Rejection> result = ParseQuery(message);
  const Rejection* rejection = std::get_if<Rejection>(&result);
  EXPECT_TRUE(rejection != nullptr && rejection->reply);
  if (rejection == nullptr) return {};
  WireMessage out(kMaxMessageSize);
  out.resize(BuildErrorReply(message, *rejection, transport, absl::MakeSpan(out)));
  EXPECT_TRUE(transport != Transport::kUdp || out.size() <= message.size());
  return out;
}

ParsedMessage ReplyTo(const WireMessage& message, Transport transport = Transport::kUdp) {
  return ParsedMessage::Parse(OctetsOfReply(message, transport));
}

// RDATA of a TSIG of hmac-sha256 with a MAC of 32 octets (RFC 8945 section 4.2).
WireMessage TsigRdata() {
  return Concat({WireName("hmac-sha256").octets,
                 WireMessage{0, 0, 0x66, 0x11, 0x22, 0x33, 0x01, 0x2c, 0, 32}, WireMessage(32, 7),
                 WireMessage{0x12, 0x34, 0, 0, 0, 0}});
}

Record Tsig(const WireName& key = "key.example", QClass klass = QClass::kAny) {
  return {.owner = key, .type = QType::kTsig, .ttl = 0, .rdata = TsigRdata(), .klass = klass};
}

// What RFC 8945 section 5.2.1 and 5.3.2 require for an unknown key: error BADKEY (17), no MAC.
WireMessage BadKeyRecord(const WireName& key) {
  return Concat(
      {key.octets, WireMessage{0, 250, 0, 255, 0, 0, 0, 0, 0, 29}, WireName("hmac-sha256").octets,
       WireMessage{0, 0, 0x66, 0x11, 0x22, 0x33, 0x01, 0x2c, 0, 0, 0x12, 0x34, 0, 17, 0, 0}});
}

bool EndsWith(const WireMessage& message, const WireMessage& tail) {
  return message.size() >= tail.size() && std::equal(tail.rbegin(), tail.rend(), message.rbegin());
}

TEST(ErrorReplyTest, EchoesIdOpcodeAndTheQuestionOnly) {
  constexpr uint16_t kStatus = 2 << 11;
  const WireMessage query = MessageBuilder()
                                .Flags(kStatus | kFlagRd | kFlagCd | kFlagAa | kFlagAd | kFlagZ | 5)
                                .Question("wWw.example.com", QType::kSoa)
                                .Build();
  const ParsedMessage reply = ReplyTo(query);
  EXPECT_EQ(reply.header.id, 0x1234);
  EXPECT_EQ(reply.header.flags, kFlagQr | kStatus | 4);  // NOTIMP.
  EXPECT_EQ(reply.question, "wWw.example.com. IN SOA");
  EXPECT_EQ(reply.size, query.size());
}

// RD is copied to replies to queries (RFC 1035 section 4.1.1). RA and CD are about resolution.
TEST(ErrorReplyTest, RepliesToQueriesKeepRdAndHaveNoRaOrCd) {
  const auto flags = static_cast<uint16_t>(kFlagRd | kFlagCd);
  for (const QType qtype : {QType::kAxfr, QType::kTkey}) {
    const auto query = Asked(qtype).Flags(flags).Opt({.version = 0}).Build();
    EXPECT_EQ(ReplyTo(query).header.flags & ~kRcodeMask, kFlagQr | kFlagRd);
  }
  EXPECT_EQ(ReplyTo(Asked(QType::kTkey).Flags(0).Build()).header.flags & ~kRcodeMask, kFlagQr);
}

TEST(ErrorReplyTest, UnparsableQuestionIsNotCopied) {
  const WireMessage query = MessageBuilder().Qdcount(1).Raw(WireMessage{3, 'a'}).Build();
  const ParsedMessage reply = ReplyTo(query);
  EXPECT_EQ(reply.size, kHeaderSize);
  EXPECT_EQ(reply.header.qdcount, 0);
  EXPECT_EQ(reply.rcode, Rcode::kFormErr);
}

TEST(ErrorReplyTest, BadversIsExtendedRcodeOneWithVersionZero) {
  const WireMessage query = Asked().Opt({.version = 1, .flags = kDo}).Build();
  const WireMessage reply = OctetsOfReply(query);
  EXPECT_EQ(ParsedMessage::Parse(reply).rcode, Rcode::kBadVers);
  EXPECT_TRUE(ParsedMessage::Parse(reply).dnssec_ok);
  EXPECT_EQ(reply[reply.size() - 5], 0);  // Version, before the flags and RDLENGTH.
  EXPECT_EQ(reply.size(), query.size());
}

// RFC 6891 section 6.1.1: "If an OPT record is present in a received request, compliant responders
// MUST include an OPT record in their respective responses."
TEST(ErrorReplyTest, HasAnOptWhereverTheMessageHasAReadableOne) {
  const RawOpt opt{.flags = kDo};
  const auto opcode = [](int number) { return static_cast<uint16_t>(number << 11); };
  const WireMessage messages[] = {
      Asked().Flags(opcode(2)).Opt(opt).Build(),             // NOTIMP.
      Asked(QType::kSoa).Flags(opcode(4)).Opt(opt).Build(),  // NOTIFY: NOTAUTH.
      Asked(QType::kSoa)
          .Flags(opcode(5))
          .Authority(
              {.owner = WireName::Pointer(12), .type = QType::kA, .rdata = ARdata("192.0.2.1")})
          .Opt(opt)
          .Build(),  // UPDATE: NOTAUTH.
      Asked(QType::kAxfr).Opt(opt).Build(),
      Asked(QType::kTkey).Opt(opt).Build(),
      Asked(QType::kA, QClass::kHesiod).Opt(opt).Build(),         // REFUSED.
      Asked().Question("b.example", QType::kA).Opt(opt).Build(),  // Two questions.
      MessageBuilder().Opt(opt).Build(),                          // No question.
      Asked().Answer(ARecord(kName, 60, "192.0.2.1")).Opt(opt).Build(),
      Asked().Additional(ARecord(WireName::Pointer(12), 60, "192.0.2.1")).Opt(opt).Build(),
      Asked().Opt(opt).Opt().Build(),                               // Two OPTs.
      Asked().Opt(opt).Raw(WireMessage(3)).Build(),                 // Octets left over.
      Asked().Opt({.flags = kDo, .options = {{10, {1}}}}).Build(),  // A malformed cookie.
      Asked().Opt(opt).Additional(Tsig()).Build(),
  };
  for (const WireMessage& message : messages) {
    const ParsedMessage reply = ReplyTo(message);
    EXPECT_TRUE(reply.has_edns) << reply.question;
    EXPECT_TRUE(reply.dnssec_ok) << reply.question;
    EXPECT_THAT(reply.options, IsEmpty());
  }
}

TEST(ErrorReplyTest, HasNoOptWithoutAReadableOne) {
  Record elsewhere = OptRecord();
  Record cut = OptRecord({.options = {{kPadding, WireMessage(8)}}});
  cut.rdlength = 100;
  Record not_root = OptRecord();
  not_root.owner = kName;
  const WireMessage messages[] = {
      Asked().Answer(elsewhere).Build(),
      Asked().Additional(cut).Build(),
      Asked().Additional(not_root).Build(),
      Asked().Additional(ARecord("\x40", 60, "192.0.2.1")).Arcount(2).Build(),
      Concat({Asked().Raw(WireMessage(4096)).Build(), OptRecord().owner.octets}),
  };
  for (const WireMessage& message : messages) EXPECT_FALSE(ReplyTo(message).has_edns);
}

TEST(ErrorReplyTest, ExtendedRcodeWithoutAnOptIsServfail) {
  WireMessage out(kMaxMessageSize);
  const Rejection rejection = {.reply = true, .rcode = Rcode::kBadVers, .has_edns = true};
  out.resize(
      BuildErrorReply(MessageBuilder().Build(), rejection, Transport::kUdp, absl::MakeSpan(out)));
  EXPECT_EQ(out.size(), kHeaderSize);
  EXPECT_EQ(LoadHeader(out).header_rcode(), Rcode::kServFail);
}

// RFC 7830 section 4: a responder pads the response to a padded query. RFC 8467 section 4.2: to 468
// octets, on an encrypted transport only.
TEST(ErrorReplyTest, OverDotThereplyToAPaddedMessageIsPadded) {
  const RawOpt padded{.options = {{kPadding, WireMessage(8)}}};
  const WireMessage messages[] = {
      Asked(QType::kAxfr).Opt(padded).Build(),
      Asked().Flags(2 << 11).Opt(padded).Build(),
      Asked().Opt({.version = 1, .options = {{kPadding, WireMessage(8)}}}).Build(),
      Asked().Opt(padded).Additional(Tsig()).Build(),
  };
  for (const WireMessage& message : messages) {
    const WireMessage reply = OctetsOfReply(message, Transport::kDot);
    EXPECT_EQ(reply.size(), 468u);
    for (const Transport transport : {Transport::kUdp, Transport::kTcp}) {
      EXPECT_LT(OctetsOfReply(message, transport).size(), 200u);
      EXPECT_THAT(ReplyTo(message, transport).options, IsEmpty());
    }
  }
  EXPECT_THAT(ReplyTo(Asked(QType::kAxfr).Opt().Build(), Transport::kDot).options, IsEmpty());
}

TEST(ErrorReplyTest, AnUnknownKeyGetsNotAuthAndBadKeyWithoutAMac) {
  for (const Transport transport : {Transport::kUdp, Transport::kTcp}) {
    for (const bool with_opt : {false, true}) {
      MessageBuilder builder = Asked();
      if (with_opt) builder.Opt();
      const WireMessage reply = OctetsOfReply(builder.Additional(Tsig()).Build(), transport);
      EXPECT_EQ(LoadHeader(reply).header_rcode(), Rcode::kNotAuth);
      EXPECT_EQ(LoadHeader(reply).arcount, with_opt ? 2 : 1);
      EXPECT_TRUE(EndsWith(reply, BadKeyRecord("key.example")));
    }
  }
  const auto update = static_cast<uint16_t>(5 << 11);
  EXPECT_TRUE(EndsWith(OctetsOfReply(Asked(QType::kSoa).Flags(update).Additional(Tsig()).Build()),
                       BadKeyRecord("key.example")));
}

TEST(ErrorReplyTest, ACompressedKeyIsWrittenInFull) {
  // "key.example.com" ends in the QNAME's "example.com", at offset 16.
  const WireMessage message = Asked().Additional(Tsig(WireName::Pointer(16, "key"))).Build();
  EXPECT_TRUE(EndsWith(OctetsOfReply(message), BadKeyRecord("key.example.com")));
}

TEST(ErrorReplyTest, AMalformedTsigIsFormErrWithoutATsig) {
  Record with_rest = Tsig();
  with_rest.rdata.push_back(0);
  Record cut = Tsig();
  cut.rdata.pop_back();
  const WireMessage messages[] = {
      Asked().Additional(Tsig("key.example", QClass::kIn)).Build(),
      Asked().Additional(Tsig(WireName::Pointer(16, "key"), QClass::kIn)).Build(),
      Asked().Additional(with_rest).Build(),
      Asked().Additional(cut).Build(),
      Asked().Additional(Tsig()).Opt().Build(),
      Asked().Additional(Tsig()).Additional(Tsig()).Build(),
      Asked().Additional(Tsig(WireName::Pointer(200))).Build(),
  };
  for (const WireMessage& message : messages) {
    const WireMessage reply = OctetsOfReply(message);
    EXPECT_EQ(LoadHeader(reply).header_rcode(), Rcode::kFormErr);
    EXPECT_LE(LoadHeader(reply).arcount, 1);
    EXPECT_FALSE(EndsWith(reply, BadKeyRecord("key.example")));
  }
}

}  // namespace
}  // namespace dotcache
