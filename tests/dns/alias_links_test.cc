// SPDX-License-Identifier: Apache-2.0
#include "dns/alias_links.h"

#include "dns/response.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"

namespace dotcache {
namespace {

using testing::ElementsAre;

const Question kQuestion = {*DomainName::FromText("a.example"), QType::kA, QClass::kIn};

// The RRSIG over the type, with an empty signature.
Record Rrsig(const WireName& owner, QType covered, uint32_t ttl) {
  WireMessage rdata(18);
  StoreU16(rdata.data(), static_cast<uint16_t>(covered));
  const WireMessage signer = NameRdata("example");
  rdata.insert(rdata.end(), signer.begin(), signer.end());
  rdata.push_back(1);
  return {.owner = owner, .type = QType{46}, .ttl = ttl, .rdata = rdata};
}

// The form that the cache keeps.
StoredMessage Stored(const WireMessage& response, const Question& question = kQuestion) {
  auto inspected = InspectResponse(response, question);
  return StoreResponse(response, std::get<ResponseFacts>(inspected), TtlCaps());
}

StoredMessage Stored(const Question& question, const Record& answer) {
  return Stored(MessageBuilder()
                    .Response()
                    .Question(question.qname.ToString(), question.qtype)
                    .Answer(answer)
                    .Build(),
                question);
}

MessageBuilder Response(Rcode rcode = Rcode::kNoError) {
  MessageBuilder builder;
  builder.Response(rcode).Question("a.example", QType::kA);
  return builder;
}

TEST(AliasLinksTest, EachLinkEndsAfterItsSignatures) {
  const StoredMessage stored = Stored(Response()
                                          .Answer(CnameRecord("a.example", 300, "B.example"))
                                          .Answer(Rrsig("a.example", QType::kCname, 300))
                                          .Answer(CnameRecord("b.example", 300, "c.example"))
                                          .Answer(ARecord("c.example", 60, "192.0.2.1"))
                                          .Answer(Rrsig("c.example", QType::kA, 60))
                                          .Build());
  const std::vector<AliasLink> links = ReadAliasLinks(stored.wire, kQuestion);
  ASSERT_EQ(links.size(), 2u);
  EXPECT_EQ(links[0].target.ToString(), "b.example.");
  EXPECT_EQ(links[0].records, 2u);
  EXPECT_EQ(links[1].target.ToString(), "c.example.");
  EXPECT_EQ(links[1].records, 3u);
  EXPECT_LT(links[0].end, links[1].end);
  EXPECT_LT(links[1].end, stored.wire.size());
}

TEST(AliasLinksTest, ADnameBelongsToTheLinkOfItsCname) {
  const Question question = {*DomainName::FromText("x.a.example"), QType::kA, QClass::kIn};
  const StoredMessage stored = Stored(
      question, {.owner = "a.example", .type = QType::kDname, .rdata = NameRdata("b.example")});
  const std::vector<AliasLink> links = ReadAliasLinks(stored.wire, question);
  ASSERT_EQ(links.size(), 1u);
  EXPECT_EQ(links[0].target.ToString(), "x.b.example.");
  EXPECT_EQ(links[0].records, 2u);
}

TEST(AliasLinksTest, AQueryForAnAliasHasNoLinks) {
  Question question = kQuestion;
  question.qtype = QType::kCname;
  const StoredMessage stored = Stored(question, CnameRecord("a.example", 300, "b.example"));
  EXPECT_TRUE(ReadAliasLinks(stored.wire, question).empty());
}

TEST(AliasLinksTest, DataIsNoAlias) {
  const StoredMessage stored =
      Stored(Response().Answer(ARecord("a.example", 60, "192.0.2.1")).Build());
  EXPECT_TRUE(ReadAliasLinks(stored.wire, kQuestion).empty());
}

TEST(AliasLinksTest, PartsAreJoinedWithTheirOwnAges) {
  const StoredMessage alias = Stored(Response(Rcode::kNxDomain)
                                         .Answer(CnameRecord("a.example", 300, "b.test"))
                                         .Authority(SoaRecord("test", 600, 600))
                                         .Build());
  const Question target = {*DomainName::FromText("b.test"), QType::kA, QClass::kIn};
  const StoredMessage data = Stored(target, ARecord("b.test", 20, "192.0.2.1"));
  const AnswerPart parts[] = {{alias.wire, Seconds(100), 1}, {data.wire, Seconds(5), 1}};
  const auto joined = JoinAnswers(kQuestion, parts);
  ASSERT_TRUE(joined.has_value());
  const ParsedMessage parsed = ParsedMessage::Parse(*joined);
  EXPECT_EQ(parsed.rcode, Rcode::kNoError);
  EXPECT_FALSE(parsed.Has(kFlagAd));
  EXPECT_THAT(parsed.answer,
              ElementsAre("a.example. 200 IN CNAME b.test.", "b.test. 15 IN A 192.0.2.1"));
  EXPECT_TRUE(parsed.authority.empty());
  EXPECT_TRUE(std::holds_alternative<ResponseFacts>(InspectResponse(*joined, kQuestion)));
}

TEST(AliasLinksTest, TheLastPartGivesTheDenial) {
  const StoredMessage alias =
      Stored(Response().Answer(CnameRecord("a.example", 9, "b.test")).Build());
  const Question target = {*DomainName::FromText("b.test"), QType::kA, QClass::kIn};
  const StoredMessage denial = Stored(MessageBuilder()
                                          .Response(Rcode::kNxDomain)
                                          .Question("b.test", QType::kA)
                                          .Authority(SoaRecord("test", 600, 60))
                                          .Build(),
                                      target);
  const AnswerPart parts[] = {{alias.wire, Seconds(0), 1}, {denial.wire, Seconds(0), 0}};
  const auto joined = JoinAnswers(kQuestion, parts);
  const auto facts = std::get<ResponseFacts>(InspectResponse(*joined, kQuestion));
  EXPECT_EQ(facts.kind, ResponseKind::kNxDomain);
  EXPECT_EQ(facts.soa_ttl, 60u);
  EXPECT_EQ(facts.answer_ttl, 9u);
}

// AD is a statement about the whole answer (RFC 4035 section 3.2.3).
TEST(AliasLinksTest, AdNeedsEveryPart) {
  StoredMessage alias = Stored(Response().Answer(CnameRecord("a.example", 9, "b.example")).Build());
  StoredMessage data = Stored(Response().Answer(ARecord("a.example", 20, "192.0.2.1")).Build());
  const auto joined_has_ad = [&] {
    const AnswerPart parts[] = {{alias.wire, Seconds(0), 1}, {data.wire, Seconds(0), 1}};
    return LoadHeader(*JoinAnswers(kQuestion, parts)).Has(kFlagAd);
  };
  alias.wire[3] |= kFlagAd;
  EXPECT_FALSE(joined_has_ad());
  data.wire[3] |= kFlagAd;
  EXPECT_TRUE(joined_has_ad());
}

TEST(AliasLinksTest, AnAnswerThatIsTooLargeIsNotJoined) {
  MessageBuilder large = Response();
  for (int i = 0; i < 250; ++i) {
    large.Answer({.owner = WireName::Pointer(kHeaderSize),
                  .type = QType::kTxt,
                  .ttl = 9,
                  .rdata = TxtRdata(
                      {std::string(250, static_cast<char>('a' + i % 26)), std::to_string(i)})});
  }
  const WireMessage wire = large.Build();
  const AnswerPart parts[] = {{wire, Seconds(0), 250}};
  EXPECT_FALSE(JoinAnswers(kQuestion, parts).has_value());
}

}  // namespace
}  // namespace dotcache
