// SPDX-License-Identifier: Apache-2.0
#include "dns/response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "core/names.h"
#include "dns/message_header.h"
#include "dns/response_walk.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

constexpr uint16_t kDnameType = 39;
constexpr char kName[] = "www.example.com";

Question Ask(QType qtype = QType::kA, absl::string_view name = kName) {
  return {.qname = DomainName::FromText(name).value(), .qtype = qtype, .qclass = QClass::kIn};
}

MessageBuilder Respond(QType qtype = QType::kA, Rcode rcode = Rcode::kNoError) {
  return MessageBuilder().Response(rcode).Question(kName, qtype);
}

Record A(const WireName& owner, uint32_t ttl = 300) { return ARecord(owner, ttl, "192.0.2.1"); }

Record Rrsig(const WireName& owner, QType covered, uint32_t ttl = 300) {
  WireMessage rdata(18, 0);
  StoreU16(rdata.data(), static_cast<uint16_t>(covered));
  rdata = Concat({rdata, WireName("example.com").octets, WireMessage(8, 1)});
  return {.owner = owner, .type = QType::kRrsig, .ttl = ttl, .rdata = rdata};
}

Record Ns(const WireName& owner, const WireName& target) {
  return {.owner = owner, .type = QType::kNs, .rdata = target.octets};
}

Record Dname(const WireName& owner, const WireName& target) {
  return {.owner = owner, .type = QType{kDnameType}, .rdata = target.octets};
}

std::string DefectName(ResponseDefect defect) {
  static constexpr Named<ResponseDefect> kNames[] = {
      {ResponseDefect::kNotOurs, "not ours"},
      {ResponseDefect::kMalformed, "malformed"},
      {ResponseDefect::kNotAnAnswer, "not an answer"}};
  return std::string(NameOf(kNames, defect, "unknown"));
}

ResponseFacts Inspect(const WireMessage& message, QType qtype = QType::kA) {
  auto outcome = InspectResponse(message, Ask(qtype));
  const auto* facts = std::get_if<ResponseFacts>(&outcome);
  if (facts != nullptr) return *facts;
  ADD_FAILURE() << "rejected as " << DefectName(std::get<ResponseDefect>(outcome));
  return {};
}

std::string DefectOf(const WireMessage& message, QType qtype = QType::kA) {
  const auto outcome = InspectResponse(message, Ask(qtype));
  const auto* defect = std::get_if<ResponseDefect>(&outcome);
  return defect == nullptr ? "none" : DefectName(*defect);
}

StoredMessage Store(const WireMessage& message, QType qtype = QType::kA) {
  return StoreResponse(message, Inspect(message, qtype), TtlCaps{});
}

std::vector<uint32_t> Ttls(const StoredMessage& stored) {
  std::vector<uint32_t> ttls;
  for (uint16_t offset : stored.ttl_offsets) ttls.push_back(LoadU32(&stored.wire[offset]));
  return ttls;
}

// ---- Ours or not ------------------------------------------------------------------------------

TEST(ResponseTest, ResponseToAnotherQuestionIsNotOurs) {
  EXPECT_EQ(DefectOf(MakeResponse("mail.example.com", QType::kA, {})), "not ours");
  EXPECT_EQ(DefectOf(MakeResponse(kName, QType::kAaaa, {})), "not ours");
  EXPECT_EQ(
      DefectOf(MessageBuilder().Response().Question(kName, QType::kA, QClass::kChaos).Build()),
      "not ours");
}

TEST(ResponseTest, QueryOrAnotherOpcodeIsNotOurs) {
  EXPECT_EQ(DefectOf(MakeQuery(kName, QType::kA)), "not ours");
  EXPECT_EQ(DefectOf(Respond().Flags(kFlagQr | 4 << 11).Build()), "not ours");
  EXPECT_EQ(DefectOf(Respond().Flags(kFlagQr | 5 << 11).Build()), "not ours");
}

TEST(ResponseTest, ZeroOrTwoQuestionsAreNotOurs) {
  EXPECT_EQ(DefectOf(MessageBuilder().Response().Build()), "not ours");
  EXPECT_EQ(DefectOf(Respond().Question(kName, QType::kA).Build()), "not ours");
}

TEST(ResponseTest, MessageShorterThanItsQuestionIsNotOurs) {
  const WireMessage whole = Respond().Build();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(DefectOf(WireMessage(whole.begin(), whole.begin() + size)), "not ours") << size;
  }
}

TEST(ResponseTest, ErrorWithoutAQuestionIsOurs) {
  const WireMessage message = MessageBuilder().Response(Rcode::kServFail).Build();
  EXPECT_TRUE(BelongsToQuestion(message, Ask()));
  EXPECT_EQ(Inspect(message).kind, ResponseKind::kServFail);
  EXPECT_EQ(Inspect(message).kept_size, kHeaderSize);
}

TEST(ResponseTest, QuestionMayHaveAnotherCase) {
  const WireMessage message =
      MessageBuilder().Response().Question("WWW.Example.COM", QType::kA).Answer(A(kName)).Build();
  EXPECT_EQ(Inspect(message).kind, ResponseKind::kAnswer);
}

// ---- Malformed --------------------------------------------------------------------------------

TEST(ResponseTest, EveryTruncationOfAResponseIsRejected) {
  const WireMessage whole = Respond()
                                .Answer(CnameRecord(kName, 60, "a.example.com"))
                                .Answer(A("a.example.com"))
                                .Authority(Ns("example.com", "ns.example.com"))
                                .Opt({.options = {{.code = 12, .data = WireMessage(8, 0)}}})
                                .Build();
  EXPECT_EQ(DefectOf(whole), "none");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(DefectOf(WireMessage(whole.begin(), whole.begin() + size)), "none") << size;
  }
}

TEST(ResponseTest, CountsMustMatchTheOctets) {
  EXPECT_EQ(DefectOf(Respond().Answer(A(kName)).Ancount(2).Build()), "malformed");
  EXPECT_EQ(DefectOf(Respond().Answer(A(kName)).Ancount(65535).Build()), "malformed");
  EXPECT_EQ(DefectOf(Respond().Answer(A(kName)).Answer(A(kName)).Ancount(1).Build()), "malformed");
  EXPECT_EQ(DefectOf(Respond().Answer(A(kName)).Raw(WireMessage{0, 0, 0, 0}).Build()), "malformed");
}

TEST(ResponseTest, RdlengthMustMatchTheType) {
  for (const size_t size : {0, 3, 5, 19}) {
    Record record = A(kName);
    record.rdata.resize(size);
    EXPECT_EQ(DefectOf(Respond().Answer(record).Build()), "malformed") << size;
    record = A(kName);
    record.rdlength = static_cast<uint16_t>(size);
    EXPECT_EQ(DefectOf(Respond().Answer(record).Build()), "malformed") << size;
  }
}

TEST(ResponseTest, NameThatExceedsItsRdataIsMalformed) {
  Record cname = CnameRecord(kName, 60, "a.example.com");
  cname.rdlength = 1;
  EXPECT_EQ(DefectOf(Respond().Answer(cname).Build()), "malformed");
}

TEST(ResponseTest, OwnersWithBadPointersAreMalformed) {
  const uint16_t here = Respond().offset();
  for (const int target : {int{here}, here + 2, here + 10, 0, 11, 0x3fff}) {
    const WireName owner = WireName::Pointer(static_cast<uint16_t>(target));
    EXPECT_EQ(DefectOf(Respond().Answer(A(owner)).Build()), "malformed") << target;
  }
  EXPECT_EQ(DefectOf(Respond().Answer(A(WireMessage{0x40, 'a', 0})).Build()), "malformed");
}

TEST(ResponseTest, OwnerOver255OctetsIsMalformed) {
  std::string name;
  for (int i = 0; i < 128; ++i) absl::StrAppend(&name, "a.");
  EXPECT_EQ(DefectOf(Respond().Answer(A(name)).Build()), "malformed");
}

TEST(ResponseTest, ChainOfPointersOverTheLimitIsMalformed) {
  MessageBuilder builder = Respond();
  uint16_t target = kHeaderSize;
  for (int i = 0; i < 40; ++i) {
    const uint16_t here = builder.offset();
    builder.Answer(A(WireName::Pointer(target)));
    target = here;
  }
  EXPECT_EQ(DefectOf(builder.Build()), "malformed");
}

TEST(ResponseTest, NameThatPointsIntoATtlIsMalformed) {
  const Record first = A(WireName::Pointer(12), /*ttl=*/0);
  const auto ttl_at = static_cast<uint16_t>(Respond().offset() + 6);
  EXPECT_EQ(DefectOf(Respond().Answer(first).Authority(Ns(WireName::Pointer(ttl_at), "a")).Build()),
            "malformed");
}

TEST(ResponseTest, ClassOtherThanInIsMalformed) {
  for (const QClass klass : {QClass::kChaos, QClass::kNone, QClass::kAny}) {
    Record record = A(kName);
    record.klass = klass;
    EXPECT_EQ(DefectOf(Respond().Answer(record).Build()), "malformed");
  }
}

TEST(ResponseTest, RecordsOfMetaTypesAreMalformed) {
  for (const QType type : {QType::kNone, QType::kTkey, QType::kAxfr, QType::kAny}) {
    EXPECT_EQ(DefectOf(Respond().Authority({.owner = ".", .type = type}).Build()), "malformed");
  }
}

TEST(ResponseTest, OptOccursOnceInTheAdditionalSectionWithTheRootAsOwner) {
  EXPECT_EQ(DefectOf(Respond().Answer(A(kName)).Opt().Build()), "none");
  EXPECT_EQ(DefectOf(Respond().Answer(A(kName)).Opt().Opt().Build()), "malformed");
  EXPECT_EQ(DefectOf(Respond().Answer(OptRecord()).Build()), "malformed");
  EXPECT_EQ(DefectOf(Respond().Authority(OptRecord()).Build()), "malformed");
  Record named = OptRecord();
  named.owner = "example.com";
  EXPECT_EQ(DefectOf(Respond().Additional(named).Build()), "malformed");
}

TEST(ResponseTest, TruncatedOptOrLaterVersionIsMalformed) {
  Record cut = OptRecord({.options = {{.code = 65001, .data = WireMessage(4, 0)}}});
  cut.rdata.pop_back();
  EXPECT_EQ(DefectOf(Respond().Additional(cut).Build()), "malformed");
  EXPECT_EQ(DefectOf(Respond().Opt({.version = 1}).Build()), "malformed");
}

TEST(ResponseTest, SecondTsigOrTsigThatIsNotLastIsMalformed) {
  Record tsig{.owner = "key", .type = QType::kTsig, .ttl = 0, .rdata = WireMessage(20, 0)};
  tsig.klass = QClass::kAny;
  EXPECT_EQ(DefectOf(Respond().Answer(A(kName)).Additional(tsig).Build()), "none");
  EXPECT_EQ(DefectOf(Respond().Additional(tsig).Additional(tsig).Build()), "malformed");
  EXPECT_EQ(DefectOf(Respond().Additional(tsig).Opt().Build()), "malformed");
  EXPECT_EQ(DefectOf(Respond().Authority(tsig).Build()), "malformed");
}

// ---- Classification ---------------------------------------------------------------------------

TEST(ResponseTest, DataOfTheQtypeIsAnAnswer) {
  const ResponseFacts facts =
      Inspect(Respond().Answer(A(kName, 300)).Answer(A(kName, 300)).Build());
  EXPECT_EQ(facts.kind, ResponseKind::kAnswer);
  EXPECT_EQ(facts.rcode, Rcode::kNoError);
  EXPECT_THAT(facts.answer_ttl, Optional(300u));
  EXPECT_EQ(facts.ttl_fields.size(), 2u);
  EXPECT_EQ(facts.kept_ancount, 2);
}

TEST(ResponseTest, ChainIsFollowedInAnyOrderOfRecords) {
  const Record first = CnameRecord(kName, 60, "a.example.com");
  const Record second = CnameRecord("A.example.com", 20, "b.example.com");
  const Record data = A("b.example.com", 100);
  const auto forward = Inspect(Respond().Answer(first).Answer(second).Answer(data).Build());
  EXPECT_EQ(forward.kind, ResponseKind::kAnswer);
  EXPECT_THAT(forward.answer_ttl, Optional(20u));
  EXPECT_EQ(Inspect(Respond().Answer(data).Answer(second).Answer(first).Build()).kind,
            ResponseKind::kAnswer);
}

WireMessage ChainOf(int links) {
  MessageBuilder builder = Respond();
  std::string owner = kName;
  for (int i = 0; i < links; ++i) {
    const std::string target = absl::StrCat("n", i, ".example.com");
    builder.Answer(CnameRecord(owner, 60, target));
    owner = target;
  }
  return builder.Answer(A(owner)).Build();
}

TEST(ResponseTest, ChainHasAtMost32Links) {
  EXPECT_EQ(Inspect(ChainOf(20)).kind, ResponseKind::kAnswer);
  EXPECT_EQ(Inspect(ChainOf(32)).kind, ResponseKind::kAnswer);
  EXPECT_EQ(DefectOf(ChainOf(33)), "not an answer");
}

TEST(ResponseTest, LoopOfCnamesIsNotAnAnswer) {
  EXPECT_EQ(DefectOf(Respond().Answer(CnameRecord(kName, 60, kName)).Build()), "not an answer");
  EXPECT_EQ(DefectOf(Respond()
                         .Answer(CnameRecord(kName, 60, "a.example.com"))
                         .Answer(CnameRecord("a.example.com", 60, kName))
                         .Build()),
            "not an answer");
}

TEST(ResponseTest, AliasWithoutDataIsNoDataOrNxDomainByItsRcode) {
  const Record cname = CnameRecord(kName, 60, "a.other.test");
  const Record soa = SoaRecord("other.test", 900, 60);
  const auto no_data = Inspect(Respond().Answer(cname).Authority(soa).Build());
  EXPECT_EQ(no_data.kind, ResponseKind::kNoData);
  EXPECT_THAT(no_data.soa_ttl, Optional(60u));
  EXPECT_EQ(no_data.soa_field, 1);
  const auto nx =
      Inspect(Respond(QType::kA, Rcode::kNxDomain).Answer(cname).Authority(soa).Build());
  EXPECT_EQ(nx.kind, ResponseKind::kNxDomain);
  EXPECT_THAT(nx.soa_ttl, Optional(60u));
  const auto dangling = Inspect(Respond().Answer(cname).Build());
  EXPECT_EQ(dangling.kind, ResponseKind::kNoData);
  EXPECT_EQ(dangling.soa_ttl, std::nullopt);
  EXPECT_TRUE(no_data.has_alias);
  EXPECT_TRUE(nx.has_alias);
  EXPECT_TRUE(dangling.has_alias);
  EXPECT_FALSE(Inspect(Respond().Authority(SoaRecord("example.com", 900, 60)).Build()).has_alias);
}

TEST(ResponseTest, DnameAndItsCnameAreFollowed) {
  const auto message = Respond()
                           .Answer(Dname("example.com", "example.net"))
                           .Answer(CnameRecord(kName, 0, "www.example.net"))
                           .Answer(A("www.example.net"))
                           .Build();
  EXPECT_EQ(Inspect(message).kind, ResponseKind::kAnswer);
  EXPECT_EQ(Inspect(message).kept_ancount, 3);
}

// RFC 6672 section 3.1.
TEST(ResponseTest, DnameWithoutItsCnameGetsOneWithItsTtl) {
  constexpr uint16_t kTargetOfCname = kHeaderSize + 17 + 4 + 12 + 13 + 12;
  const WireMessage expected =
      Respond()
          .Answer(Dname(WireName::Pointer(kHeaderSize + 4), "example.net"))
          .Answer(CnameRecord(WireName::Pointer(kHeaderSize), 300, "www.example.net"))
          .Answer(A(WireName::Pointer(kTargetOfCname)))
          .Build();
  EXPECT_EQ(Store(Respond()
                      .Answer(A("www.example.net"))
                      .Answer(Dname("example.com", "example.net"))
                      .Build())
                .wire,
            Store(expected).wire);
}

TEST(ResponseTest, CnameBelowADnameHasTheTtlOfTheDname) {
  const auto facts = Inspect(Respond()
                                 .Answer(Dname("example.com", "example.net"))
                                 .Answer(CnameRecord(kName, 0, "www.example.net"))
                                 .Answer(A("www.example.net"))
                                 .Build());
  EXPECT_THAT(facts.answer_ttl, Optional(300u));
  const auto signed_cname = Inspect(Respond()
                                        .Answer(Dname("example.com", "example.net"))
                                        .Answer(CnameRecord(kName, 7, "www.example.net"))
                                        .Answer(Rrsig(kName, QType::kCname, 7))
                                        .Answer(A("www.example.net"))
                                        .Build());
  EXPECT_THAT(signed_cname.answer_ttl, Optional(7u));
}

TEST(ResponseTest, QueryForACnameBelowADnameIsAnswered) {
  const auto facts = Inspect(
      Respond(QType::kCname).Answer(Dname("example.com", "example.net")).Build(), QType::kCname);
  EXPECT_EQ(facts.kind, ResponseKind::kAnswer);
  EXPECT_EQ(facts.kept_ancount, 2);
}

// RFC 6672 section 2.2.
TEST(ResponseTest, DnameThatMakesTooLongANameIsYxdomain) {
  const std::string label(63, 'x');
  const std::string target = absl::StrCat(label, ".", label, ".", label, ".", std::string(58, 'y'));
  const auto facts = Inspect(Respond().Answer(Dname("example.com", target)).Build());
  EXPECT_EQ(facts.kind, ResponseKind::kOtherError);
  EXPECT_EQ(facts.rcode, Rcode::kYxDomain);
  EXPECT_EQ(facts.kept_ancount, 1);
}

// RFC 1034 section 4.3.1; RFC 4035 section 3.1.1 for the signatures.
TEST(ResponseTest, AnswerIsStoredInTheOrderOfTheChain) {
  const Record alias = CnameRecord(WireName::Pointer(kHeaderSize), 300, "a.test");
  const WireMessage ordered =
      Store(Respond()
                .Answer(alias)
                .Answer(Rrsig(WireName::Pointer(kHeaderSize), QType::kCname))
                .Answer(A("a.test"))
                .Answer(A("a.test"))
                .Answer(Rrsig("a.test", QType::kA))
                .Build())
          .wire;
  const WireMessage reversed =
      Store(Respond()
                .Answer(Rrsig("a.test", QType::kA))
                .Answer(A("a.test"))
                .Answer(Rrsig(WireName::Pointer(kHeaderSize), QType::kCname))
                .Answer(A("a.test"))
                .Answer(alias)
                .Build())
          .wire;
  const auto types = [](const WireMessage& stored) {
    const auto walked = WalkResponse(stored, kHeaderSize + 17 + 4);
    std::vector<QType> found;
    for (const ResponseRecord& record : walked->records) found.push_back(record.type);
    return found;
  };
  EXPECT_THAT(types(reversed),
              ElementsAre(QType::kCname, QType::kRrsig, QType::kA, QType::kA, QType::kRrsig));
  EXPECT_EQ(types(ordered), types(reversed));
}

TEST(ResponseTest, OrderedAnswerIsNotWrittenAnew) {
  const WireName alias = WireName::Pointer(kHeaderSize + 17 + 4 + 12);
  EXPECT_TRUE(Inspect(Respond()
                          .Answer(CnameRecord(WireName::Pointer(kHeaderSize), 300, "a.test"))
                          .Answer(A(alias))
                          .Answer(A(alias))
                          .Build())
                  .rewritten.empty());
}

TEST(ResponseTest, RepeatedCnameBelowADnameHasTheTtlOfTheDname) {
  const auto facts = Inspect(Respond()
                                 .Answer(Dname("example.com", "example.net"))
                                 .Answer(CnameRecord(kName, 0, "www.example.net"))
                                 .Answer(CnameRecord(kName, 0, "www.example.net"))
                                 .Answer(A("www.example.net"))
                                 .Build());
  EXPECT_THAT(facts.answer_ttl, Optional(300u));
}

// Names in full would need more than 65,535 octets.
TEST(ResponseTest, AdditionalRecordsAreLeftOutOfAnAnswerThatGrowsTooLarge) {
  const std::string label(60, 'x');
  const std::string target = absl::StrCat(label, ".", label, ".example.com");
  MessageBuilder builder = Respond(QType::kSrv);
  const auto srv = [](const WireName& name) {
    return Record{.owner = WireName::Pointer(kHeaderSize),
                  .type = QType::kSrv,
                  .rdata = Concat({WireMessage{0, 1, 0, 2, 0, 53}, name.octets})};
  };
  builder.Answer(srv(target));
  const uint16_t first_target = kHeaderSize + 17 + 4 + 12 + 6;
  for (int i = 0; i < 399; ++i) builder.Answer(srv(WireName::Pointer(first_target)));
  for (int i = 0; i < 200; ++i) builder.Additional(A(WireName::Pointer(first_target)));
  const ResponseFacts facts = Inspect(builder.Build(), QType::kSrv);
  EXPECT_EQ(facts.kind, ResponseKind::kAnswer);
  EXPECT_EQ(facts.kept_ancount, 400);
  EXPECT_GT(facts.rewritten.size(), size_t{50000});
}

// The reply shows the client's spelling where an owner points to the question.
TEST(ResponseTest, OwnerThatIsTheQnameBecomesAPointerToTheQuestion) {
  EXPECT_EQ(Store(Respond().Answer(A("WWW.Example.com")).Build()).wire,
            Store(Respond().Answer(A(WireName::Pointer(kHeaderSize))).Build()).wire);
}

TEST(ResponseTest, OwnerThatIsTheRootStaysAsItIs) {
  const WireMessage message = MessageBuilder()
                                  .Response()
                                  .Question(".", QType::kNs)
                                  .Answer(Ns(".", "ns.example.com"))
                                  .Build();
  const auto outcome = InspectResponse(message, Ask(QType::kNs, "."));
  const auto* facts = std::get_if<ResponseFacts>(&outcome);
  ASSERT_NE(facts, nullptr);
  EXPECT_EQ(facts->kind, ResponseKind::kAnswer);
  EXPECT_TRUE(facts->rewritten.empty());
}

// RFC 3597 section 4.
TEST(ResponseTest, CompressedTargetOfAnSrvIsStoredInFull) {
  const auto srv = [](const WireName& target) {
    return Record{.owner = WireName::Pointer(kHeaderSize),
                  .type = QType::kSrv,
                  .rdata = Concat({WireMessage{0, 1, 0, 2, 0, 53}, target.octets})};
  };
  const WireName compressed = WireName::Pointer(kHeaderSize + 4, "sip");
  EXPECT_EQ(Store(Respond(QType::kSrv).Answer(srv(compressed)).Build(), QType::kSrv).wire,
            Store(Respond(QType::kSrv).Answer(srv("sip.example.com")).Build(), QType::kSrv).wire);
}

TEST(ResponseTest, QtypeCnameKeepsTheDname) {
  const auto with_target = [](absl::string_view target) {
    return Respond(QType::kCname)
        .Answer(Dname("example.com", "example.net"))
        .Answer(CnameRecord(kName, 0, target))
        .Build();
  };
  const ResponseFacts facts = Inspect(with_target("www.example.net"), QType::kCname);
  EXPECT_EQ(facts.kind, ResponseKind::kAnswer);
  EXPECT_EQ(facts.kept_ancount, 2);
  EXPECT_EQ(DefectOf(with_target("www.victim.test"), QType::kCname), "not an answer");
}

TEST(ResponseTest, CnameThatContradictsItsDnameIsNotAnAnswer) {
  EXPECT_EQ(DefectOf(Respond()
                         .Answer(Dname("example.com", "example.net"))
                         .Answer(CnameRecord(kName, 0, "www.victim.test"))
                         .Answer(A("www.victim.test"))
                         .Build()),
            "not an answer");
}

TEST(ResponseTest, UnrelatedRecordsAloneAreNotAnAnswer) {
  EXPECT_EQ(DefectOf(Respond().Answer(A("victim.test")).Build()), "not an answer");
  Record aaaa{.owner = kName, .type = QType::kAaaa, .rdata = AaaaRdata("2001:db8::1")};
  EXPECT_EQ(DefectOf(Respond().Answer(aaaa).Build()), "not an answer");
  EXPECT_EQ(DefectOf(Respond().Answer({.owner = kName, .type = QType{65280}}).Build()),
            "not an answer");
  EXPECT_EQ(DefectOf(Respond().Answer(SoaRecord(kName, 900, 60)).Build()), "not an answer");
  EXPECT_EQ(DefectOf(Respond().Answer(Rrsig(kName, QType::kA)).Build()), "not an answer");
}

TEST(ResponseTest, UnrelatedRecordsAreRemovedAtAnyPositionOfTheAnswer) {
  const Record foreign = A("victim.test");
  const WireMessage plain = Store(Respond().Answer(A(kName)).Answer(A(kName)).Build()).wire;
  const WireMessage last = Respond().Answer(A(kName)).Answer(A(kName)).Answer(foreign).Build();
  const WireMessage between = Respond().Answer(A(kName)).Answer(foreign).Answer(A(kName)).Build();
  const WireMessage first = Respond().Answer(foreign).Answer(A(kName)).Answer(A(kName)).Build();
  for (const WireMessage& message : {last, between, first}) {
    EXPECT_EQ(Store(message).wire, plain);
  }
}

TEST(ResponseTest, RecordsAfterAnUnrelatedRecordAreUsed) {
  const ResponseFacts facts = Inspect(Respond()
                                          .Answer(A("victim.test", 10))
                                          .Answer(A(kName, 600))
                                          .Answer(A(kName, 300))
                                          .Opt({.flags = 0x8000})
                                          .Build());
  EXPECT_EQ(facts.kind, ResponseKind::kAnswer);
  EXPECT_THAT(facts.answer_ttl, Optional(300));
  EXPECT_TRUE(facts.edns.dnssec_ok);
  const ResponseFacts negative = Inspect(
      Respond().Authority(A("victim.test")).Authority(SoaRecord("example.com", 900, 60)).Build());
  EXPECT_THAT(negative.soa_ttl, Optional(60));
  EXPECT_EQ(negative.kept_nscount, 1);
}

TEST(ResponseTest, AuthoritySectionOfAnAnswerKeepsOnlyProofs) {
  const Record nsec{.owner = "a.example.com",
                    .type = QType::kNsec,
                    .rdata = Concat({WireName("z.example.com").octets, WireMessage{0, 1, 0x40}})};
  const WireMessage message = Respond()
                                  .Answer(A(kName))
                                  .Authority(Ns("example.com", "ns.example.com"))
                                  .Authority(SoaRecord("example.com", 900, 60))
                                  .Authority(nsec)
                                  .Authority(Rrsig("a.example.com", QType::kNsec))
                                  .Authority(A("victim.test"))
                                  .Additional(A("ns.example.com"))
                                  .Build();
  const StoredMessage expected = Store(Respond()
                                           .Answer(A(kName))
                                           .Authority(nsec)
                                           .Authority(Rrsig("a.example.com", QType::kNsec))
                                           .Build());
  EXPECT_EQ(Store(message).wire, expected.wire);
}

TEST(ResponseTest, SoaOfAnotherZoneIsRemoved) {
  const ResponseFacts facts = Inspect(
      MakeNegativeResponse(kName, QType::kA, Rcode::kNxDomain, SoaRecord("else.test", 900, 60)));
  EXPECT_EQ(facts.kept_nscount, 0);
  EXPECT_EQ(facts.soa_ttl, std::nullopt);
}

TEST(ResponseTest, AdditionalRecordsStayWhenAKeptRecordNamesThem) {
  const Record mx{.owner = kName, .type = QType::kMx, .rdata = MxRdata(10, "mx.example.com")};
  const WireMessage message = Respond(QType::kMx)
                                  .Answer(mx)
                                  .Additional(A("MX.example.com"))
                                  .Additional(A("victim.test"))
                                  .Additional(A("mx.example.com"))
                                  .Opt()
                                  .Build();
  EXPECT_EQ(Inspect(message, QType::kMx).kept_arcount, 2);
}

TEST(ResponseTest, ErrorKeepsNoRecordExceptTheDnameOfYxdomain) {
  const auto error = [](Rcode rcode) {
    return Inspect(Respond(QType::kA, rcode)
                       .Answer(A(kName))
                       .Answer(Dname("example.com", "example.net"))
                       .Authority(SoaRecord("example.com", 900, 60))
                       .Build());
  };
  EXPECT_EQ(error(Rcode::kRefused).kept_ancount, 0);
  EXPECT_EQ(error(Rcode::kYxDomain).kept_ancount, 1);
  EXPECT_EQ(error(Rcode::kYxDomain).kept_nscount, 0);
  // RFC 6672 section 2.3: a DNAME does not redirect its own owner.
  const auto own =
      Inspect(Respond(QType::kA, Rcode::kYxDomain).Answer(Dname(kName, "example.net")).Build());
  EXPECT_EQ(own.kept_ancount, 0);
}

TEST(ResponseTest, OtherDataBesideACnameIsIgnored) {
  const WireMessage message = Respond()
                                  .Answer(A(kName))
                                  .Answer(CnameRecord(kName, 60, "a.example.com"))
                                  .Answer(A("a.example.com"))
                                  .Build();
  EXPECT_EQ(Inspect(message).kept_ancount, 2);
  EXPECT_THAT(Inspect(message).answer_ttl, Optional(60));
  const WireMessage dangling =
      Respond().Answer(A(kName)).Answer(CnameRecord(kName, 60, "a.example.com")).Build();
  EXPECT_EQ(Inspect(dangling).kind, ResponseKind::kNoData);
  EXPECT_EQ(Inspect(dangling).kept_ancount, 1);
}

TEST(ResponseTest, TypesAllowedBesideACnameAreAnswers) {
  const WireMessage message = Respond(QType::kRrsig)
                                  .Answer(CnameRecord(kName, 60, "a.example.com"))
                                  .Answer(Rrsig(kName, QType::kCname))
                                  .Build();
  EXPECT_EQ(Inspect(message, QType::kRrsig).kind, ResponseKind::kAnswer);
}

TEST(ResponseTest, TwoDifferentCnamesAreNotAnAnswer) {
  const Record one = CnameRecord(kName, 60, "a.example.com");
  const Record other = CnameRecord(kName, 60, "b.example.com");
  EXPECT_EQ(DefectOf(Respond().Answer(one).Answer(other).Answer(A("a.example.com")).Build()),
            "not an answer");
  EXPECT_EQ(DefectOf(Respond().Answer(one).Answer(one).Answer(A("a.example.com")).Build()), "none");
}

TEST(ResponseTest, QtypeAnyAcceptsAnyType) {
  const Record txt{.owner = kName, .type = QType::kTxt, .rdata = TxtRdata({"x"})};
  EXPECT_EQ(Inspect(Respond(QType::kAny).Answer(txt).Answer(A(kName)).Build(), QType::kAny).kind,
            ResponseKind::kAnswer);
}

TEST(ResponseTest, SignaturesOverTheAnswerAreKept) {
  const ResponseFacts facts = Inspect(Respond()
                                          .Answer(CnameRecord(kName, 60, "a.example.com"))
                                          .Answer(Rrsig(kName, QType::kCname))
                                          .Answer(A("a.example.com"))
                                          .Answer(Rrsig("a.example.com", QType::kA))
                                          .Build());
  EXPECT_EQ(facts.kind, ResponseKind::kAnswer);
  EXPECT_EQ(facts.kept_ancount, 4);
  EXPECT_THAT(facts.answer_ttl, Optional(60u));
}

TEST(ResponseTest, NegativeResponsesHaveTheTtlOfTheSoa) {
  const auto nx = Inspect(
      MakeNegativeResponse(kName, QType::kA, Rcode::kNxDomain, SoaRecord("example.com", 900, 60)));
  EXPECT_EQ(nx.kind, ResponseKind::kNxDomain);
  EXPECT_THAT(nx.soa_ttl, Optional(60u));
  EXPECT_EQ(nx.answer_ttl, std::nullopt);
  const auto no_data = Inspect(
      MakeNegativeResponse(kName, QType::kA, Rcode::kNoError, SoaRecord("example.com", 30, 900)));
  EXPECT_EQ(no_data.kind, ResponseKind::kNoData);
  EXPECT_THAT(no_data.soa_ttl, Optional(30u));
}

TEST(ResponseTest, SoaOfAnotherZoneGivesNoTtl) {
  const auto facts = Inspect(
      MakeNegativeResponse(kName, QType::kA, Rcode::kNxDomain, SoaRecord("victim.test", 900, 60)));
  EXPECT_EQ(facts.kind, ResponseKind::kNxDomain);
  EXPECT_EQ(facts.soa_ttl, std::nullopt);
  EXPECT_EQ(facts.soa_field, -1);
}

TEST(ResponseTest, EmptyAnswerIsNoDataOrAReferral) {
  EXPECT_EQ(Inspect(Respond().Build()).kind, ResponseKind::kNoData);
  const Record ns = Ns("example.com", "ns.example.com");
  EXPECT_EQ(Inspect(Respond().Authority(ns).Build()).kind, ResponseKind::kReferral);
  EXPECT_EQ(Inspect(Respond().Authority(ns).Authority(SoaRecord("example.com", 9, 9)).Build()).kind,
            ResponseKind::kNoData);
}

TEST(ResponseTest, ErrorRcodesAreReported) {
  EXPECT_EQ(Inspect(Respond(QType::kA, Rcode::kServFail).Build()).kind, ResponseKind::kServFail);
  const auto refused = Inspect(Respond(QType::kA, Rcode::kRefused).Build());
  EXPECT_EQ(refused.kind, ResponseKind::kOtherError);
  EXPECT_EQ(refused.rcode, Rcode::kRefused);
}

TEST(ResponseTest, UpperBitsOfTheRcodeComeFromTheOpt) {
  const auto facts =
      Inspect(Respond(QType::kA, static_cast<Rcode>(7)).Opt({.extended_rcode = 1}).Build());
  EXPECT_EQ(facts.rcode, Rcode::kBadCookie);
  EXPECT_EQ(facts.kind, ResponseKind::kOtherError);
}

TEST(ResponseTest, TruncationIsReported) {
  EXPECT_TRUE(Inspect(Respond().Flags(kFlagQr | kFlagTc).Build()).truncated);
  EXPECT_FALSE(Inspect(Respond().Build()).truncated);
}

// ---- Stored form ------------------------------------------------------------------------------

TEST(StoreResponseTest, FlagsAreSetAndTheQnameIsLowerCase) {
  const uint16_t flags = kFlagQr | kFlagAa | kFlagRd | kFlagZ | kFlagAd | kFlagCd;
  const WireMessage message = MessageBuilder()
                                  .Flags(flags)
                                  .Question("WWW.Example.com", QType::kA)
                                  .Answer(A(WireName::Pointer(12)))
                                  .Build();
  const StoredMessage stored = Store(message);
  const MessageHeader header = LoadHeader(stored.wire);
  EXPECT_EQ(header.id, 0);
  EXPECT_EQ(header.flags, kFlagQr | kFlagRa | kFlagAd);
  EXPECT_TRUE(Ask().MatchesMessage(stored.wire));
  EXPECT_EQ(stored.wire[kHeaderSize + 1], 'w');
}

TEST(StoreResponseTest, OptTsigAndLaterRecordsAreRemoved) {
  const WireName qname = WireName::Pointer(kHeaderSize);
  const WireMessage plain = Respond().Answer(A(qname)).Build();
  const WireMessage message =
      Respond().Answer(A(qname)).Opt().Additional(A("ns.example.com")).Build();
  const StoredMessage stored = Store(message);
  EXPECT_EQ(stored.wire.size(), plain.size());
  EXPECT_EQ(LoadHeader(stored.wire).arcount, 0);
}

TEST(StoreResponseTest, TtlsAreNormalisedPerRrsetAndCapped) {
  EXPECT_THAT(Ttls(Store(Respond().Answer(A(kName, 600)).Answer(A(kName, 30)).Build())),
              ElementsAre(30, 30));
  EXPECT_THAT(Ttls(Store(Respond().Answer(A(kName, 0x80000001)).Build())), ElementsAre(0));
  EXPECT_THAT(Ttls(Store(Respond().Answer(A(kName, 0x7fffffff)).Build())), ElementsAre(86400));
}

TEST(StoreResponseTest, FloorRaisesPositiveTtlsExceptZero) {
  TtlCaps caps;
  caps.floor = Seconds{60};
  const auto ttls = [&caps](const WireMessage& message) {
    const auto facts = InspectResponse(message, Ask());
    return Ttls(StoreResponse(message, std::get<ResponseFacts>(facts), caps));
  };
  EXPECT_THAT(ttls(Respond().Answer(A(kName, 5)).Build()), ElementsAre(60));
  EXPECT_THAT(ttls(Respond().Answer(A(kName, 61)).Build()), ElementsAre(61));
  EXPECT_THAT(ttls(Respond().Answer(A(kName, 0)).Build()), ElementsAre(0));
  EXPECT_THAT(ttls(MakeNegativeResponse(kName, QType::kA, Rcode::kNxDomain,
                                        SoaRecord("example.com", 900, 5))),
              ElementsAre(5));
  caps.positive = Seconds{30};
  EXPECT_THAT(ttls(Respond().Answer(A(kName, 5)).Build()), ElementsAre(30));
}

TEST(StoreResponseTest, SoaOfANegativeResponseHasTheNegativeTtl) {
  EXPECT_THAT(Ttls(Store(MakeNegativeResponse(kName, QType::kA, Rcode::kNxDomain,
                                              SoaRecord("example.com", 900, 60)))),
              ElementsAre(60));
  EXPECT_THAT(Ttls(Store(MakeNegativeResponse(kName, QType::kA, Rcode::kNoError,
                                              SoaRecord("example.com", 604800, 604800)))),
              ElementsAre(3600));
}

TEST(StoreResponseTest, RcodeThatNeedsAnOptBecomesServfail) {
  const auto message = Respond().Opt({.extended_rcode = 1}).Build();  // BADVERS.
  EXPECT_EQ(LoadHeader(Store(message).wire).header_rcode(), Rcode::kServFail);
}

TEST(StoreResponseTest, ErrorWithoutAQuestionIsStoredAsItsHeader) {
  const StoredMessage stored = Store(MessageBuilder().Response(Rcode::kRefused).Opt().Build());
  EXPECT_EQ(stored.wire.size(), kHeaderSize);
  EXPECT_EQ(LoadHeader(stored.wire).qdcount, 0);
  EXPECT_EQ(LoadHeader(stored.wire).header_rcode(), Rcode::kRefused);
}

// RFC 8914 section 2: INFO-CODE, then EXTRA-TEXT in UTF-8.
TEST(InspectResponseTest, ReadsTheFirstExtendedErrorWithItsText) {
  const Question question = {*DomainName::FromText("www.example.com"), QType::kA, QClass::kIn};
  const auto error_of = [&question](const WireMessage& text, bool rewritten) {
    MessageBuilder builder = MessageBuilder().Response().Question("www.example.com", QType::kA);
    // An owner in full makes InspectResponse() write the response anew.
    const WireName owner = rewritten ? WireName("www.example.com") : WireName::Pointer(12);
    builder.Answer(ARecord(owner, 60, "192.0.2.1"));
    const RawOption padding{12, WireMessage(3)};
    const RawOption error{15, Concat({WireMessage{0, 17}, text})};
    const RawOption later{15, {0, 1, 'x'}};
    builder.Opt({.options = {padding, error, later}});
    const auto outcome = InspectResponse(builder.Build(), question);
    const auto& facts = std::get<ResponseFacts>(outcome);
    EXPECT_EQ(facts.rewritten.empty(), !rewritten);
    return facts.extended_error;
  };
  for (const bool rewritten : {false, true}) {
    EXPECT_EQ(error_of({'a', 0xc3, 0xa4, 0}, rewritten),
              (ExtendedError{ExtendedErrorCode{17}, "a\xc3\xa4"}));
    EXPECT_EQ(error_of({0xff}, rewritten), (ExtendedError{ExtendedErrorCode{17}, ""}));
  }
  const WireMessage plain =
      MakeResponse("www.example.com", QType::kA, {ARecord("www.example.com", 60, "192.0.2.1")});
  EXPECT_FALSE(std::get<ResponseFacts>(InspectResponse(plain, question)).extended_error);
}

}  // namespace
}  // namespace dotcache
