// SPDX-License-Identifier: Apache-2.0
#include "dns/response_rewrite.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "dns/message_header.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

constexpr char kName[] = "www.example.com";
constexpr uint16_t kQname = kHeaderSize;
constexpr size_t kQuestionEnd = kHeaderSize + 17 + 4;

const WireName& Qname() {
  static const WireName& name = *new WireName(WireName::Pointer(kQname));
  return name;
}

// A response to www.example.com A written anew with these records in this order.
WireMessage Rewrite(const MessageBuilder& builder, const std::vector<size_t>& layout,
                    const std::vector<SynthesizedCname>& cnames = {}) {
  const WireMessage message = builder.Build();
  const auto walked = WalkResponse(message, kQuestionEnd);
  if (!walked.has_value()) {
    ADD_FAILURE() << "the test's message is malformed";
    return {};
  }
  auto rewritten = RewriteResponse(message, kQuestionEnd, walked->records, cnames, layout);
  if (!rewritten.has_value()) return {};
  EXPECT_TRUE(WalkResponse(*rewritten, kQuestionEnd).has_value());
  return *std::move(rewritten);
}

MessageBuilder Respond() {
  MessageBuilder builder;
  builder.Response(Rcode::kNoError).Question(kName, QType::kA);
  return builder;
}

Record A(const WireName& owner) { return ARecord(owner, 300, "192.0.2.1"); }

Record Mx(const WireName& owner, const WireName& exchange) {
  return {.owner = owner, .type = QType::kMx, .rdata = MxRdata(10, exchange)};
}

Record Srv(const WireName& owner, const WireName& target) {
  return {.owner = owner,
          .type = QType::kSrv,
          .rdata = Concat({WireMessage{0, 1, 0, 2, 0, 53}, target.octets})};
}

TEST(ResponseRewriteTest, CountsAgreeInEverySection) {
  const WireMessage rewritten = Rewrite(Respond()
                                            .Answer(A("victim.test"))
                                            .Answer(A(kName))
                                            .Authority(A("victim.test"))
                                            .Additional(A("victim.test"))
                                            .Additional(A("a.test"))
                                            .Opt(),
                                        {1, 4});
  EXPECT_EQ(rewritten, Respond().Answer(A(Qname())).Additional(A("a.test")).Build());
}

TEST(ResponseRewriteTest, RecordsStandInTheOrderOfTheLayout) {
  const auto alias = CnameRecord(kName, 300, "alias.test");
  const WireMessage rewritten = Rewrite(Respond().Answer(A("alias.test")).Answer(alias), {1, 0});
  const uint16_t target = kQuestionEnd + 12;
  EXPECT_EQ(rewritten, Respond()
                           .Answer(CnameRecord(Qname(), 300, "alias.test"))
                           .Answer(A(WireName::Pointer(target)))
                           .Build());
}

TEST(ResponseRewriteTest, OwnerThatIsTheQnameIsAPointerInAnySpelling) {
  EXPECT_EQ(
      Rewrite(Respond().Answer(A("WWW.example.COM")).Answer(Mx(kName, "Example.Com")), {0, 1}),
      Respond().Answer(A(Qname())).Answer(Mx(Qname(), "Example.Com")).Build());
}

TEST(ResponseRewriteTest, NamesInRdataOutsideRfc1035AreWrittenInFull) {
  EXPECT_EQ(Rewrite(Respond().Answer(Srv(Qname(), WireName::Pointer(kQname + 4, "sip"))), {0}),
            Respond().Answer(Srv(Qname(), "sip.example.com")).Build());
  const Record https{
      .owner = Qname(),
      .type = QType::kHttps,
      .rdata = Concat({WireMessage{0, 1}, Qname().octets, WireMessage{0, 1, 0, 3, 2, 'h', '2'}})};
  Record written = https;
  written.rdata =
      Concat({WireMessage{0, 1}, WireName(kName).octets, WireMessage{0, 1, 0, 3, 2, 'h', '2'}});
  EXPECT_EQ(Rewrite(Respond().Answer(https), {0}), Respond().Answer(written).Build());
}

TEST(ResponseRewriteTest, NoPointerLeadsIntoARecordThatIsLeftOut) {
  const WireName victim = WireName::Pointer(kQuestionEnd);
  const WireName below = WireName::Pointer(kQuestionEnd, "mail");
  const uint16_t owner_at = kQuestionEnd;
  EXPECT_EQ(Rewrite(Respond().Answer(A("victim.test")).Answer(Mx(victim, below)), {1}),
            Respond().Answer(Mx("victim.test", WireName::Pointer(owner_at, "mail"))).Build());
}

TEST(ResponseRewriteTest, ASynthesizedCnameHasTheTtlOfItsDname) {
  const Record dname{
      .owner = "example.com", .type = QType::kDname, .ttl = 77, .rdata = WireName("a.test").octets};
  const std::vector<SynthesizedCname> cnames = {
      {0, *DomainName::FromText(kName), *DomainName::FromText("www.a.test")}};
  Record written = dname;
  written.owner = WireName::Pointer(kQname + 4);
  EXPECT_EQ(Rewrite(Respond().Answer(dname), {0, 1}, cnames),
            Respond().Answer(written).Answer(CnameRecord(Qname(), 77, "www.a.test")).Build());
}

TEST(ResponseRewriteTest, AMessageThatGrowsOver65535OctetsIsNoMessage) {
  MessageBuilder builder = Respond();
  const std::string long_name(63, 'x');
  builder.Answer(A(long_name + "." + long_name + "." + long_name));
  std::vector<size_t> layout = {0};
  for (size_t i = 1; i < 1000; ++i) {
    builder.Answer(Srv(Qname(), WireName::Pointer(kQuestionEnd)));
    layout.push_back(i);
  }
  EXPECT_TRUE(Rewrite(builder, layout).empty());
}

TEST(ResponseRewriteTest, AnEmptyLayoutLeavesTheQuestion) {
  EXPECT_EQ(Rewrite(Respond().Answer(A(kName)).Opt(), {}), Respond().Build());
}

}  // namespace
}  // namespace dotcache
