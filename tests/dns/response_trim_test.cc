// SPDX-License-Identifier: Apache-2.0
#include "dns/response_trim.h"

#include <gtest/gtest.h>

#include "dns/message_header.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

constexpr char kName[] = "www.example.com";
constexpr uint16_t kQname = kHeaderSize;
constexpr size_t kQuestionEnd = kHeaderSize + 17 + 4;

// The rest of a response to www.example.com A after records are removed.
WireMessage Trim(const MessageBuilder& builder, const RecordSet& kept) {
  MessageBuilder copy = builder;
  const WireMessage message = copy.Build();
  const auto walked = WalkResponse(message, kQuestionEnd);
  if (!walked.has_value() || walked->records.size() != kept.size()) {
    ADD_FAILURE() << "the response is not valid input for this test";
    return {};
  }
  auto trimmed = TrimResponse(message, kQuestionEnd, walked->records, kept);
  if (!trimmed.has_value()) return {};
  EXPECT_TRUE(WalkResponse(*trimmed, kQuestionEnd).has_value());
  return *trimmed;
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

TEST(ResponseTrimTest, CountsMatchInEverySection) {
  const WireMessage trimmed = Trim(Respond()
                                       .Answer(A("victim.test"))
                                       .Answer(A(kName))
                                       .Authority(A("victim.test"))
                                       .Additional(A("victim.test"))
                                       .Additional(A("a.example.com"))
                                       .Opt(),
                                   {false, true, false, false, true});
  EXPECT_EQ(trimmed, Respond().Answer(A(kName)).Additional(A("a.example.com")).Build());
}

TEST(ResponseTrimTest, PointersToOctetsBeforeTheFirstRemovedRecordStay) {
  const WireName qname = WireName::Pointer(kQname);
  EXPECT_EQ(Trim(Respond().Answer(A("victim.test")).Answer(Mx(qname, qname)), {false, true}),
            Respond().Answer(Mx(qname, qname)).Build());
}

TEST(ResponseTrimTest, PointersBeyondTheFirstRemovedRecordAreDecompressed) {
  const WireName victim = WireName::Pointer(kQuestionEnd);
  const WireName below = WireName::Pointer(kQuestionEnd, "mail");
  const Record soa{.owner = victim,
                   .type = QType::kSoa,
                   .rdata = Concat({below.octets, victim.octets, WireMessage(20, 0)})};
  const Record written{.owner = "victim.test",
                       .type = QType::kSoa,
                       .rdata = Concat({WireName("mail.victim.test").octets,
                                        WireName("victim.test").octets, WireMessage(20, 0)})};
  EXPECT_EQ(Trim(Respond().Answer(A("victim.test")).Answer(Mx(victim, below)).Answer(soa),
                 {false, true, true}),
            Respond().Answer(Mx("victim.test", "mail.victim.test")).Answer(written).Build());
}

TEST(ResponseTrimTest, NamesAfterStringsAreFound) {
  const WireMessage strings = {0, 1, 0, 2, 1, 's', 0, 0};
  const WireName victim = WireName::Pointer(kQuestionEnd);
  const auto naptr = [&strings](const WireName& owner, const WireName& replacement) {
    return Record{
        .owner = owner, .type = QType{35}, .rdata = Concat({strings, replacement.octets})};
  };
  EXPECT_EQ(Trim(Respond().Answer(A("victim.test")).Answer(naptr(kName, victim)), {false, true}),
            Respond().Answer(naptr(kName, "victim.test")).Build());
}

TEST(ResponseTrimTest, ResultOverTheMaximumSizeIsRejected) {
  MessageBuilder builder = Respond();
  const std::string long_name(63, 'x');
  builder.Answer(A(long_name + "." + long_name + "." + long_name));
  RecordSet kept = {false};
  for (int i = 0; i < 1000; ++i) {
    builder.Answer(A(WireName::Pointer(kQuestionEnd)));
    kept.push_back(true);
  }
  EXPECT_TRUE(Trim(builder, kept).empty());
}

TEST(ResponseTrimTest, AllRecordsMayBeRemoved) {
  EXPECT_EQ(Trim(Respond().Answer(A(kName)).Opt(), {false}), Respond().Build());
}

}  // namespace
}  // namespace dotcache
