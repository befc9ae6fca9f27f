// SPDX-License-Identifier: Apache-2.0
#include "dns/outgoing_query.h"

#include "dns/edns.h"
#include "dns/message_header.h"
#include "dns/query.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

WireMessage Build(const UpstreamQuery& query, const UpstreamQueryFormat& format = {}) {
  WireMessage out(kMaxUpstreamQuerySize);
  out.resize(BuildUpstreamQuery(query, 0xbeef, format, MutableBytes(out)));
  return out;
}

UpstreamQuery MakeUpstreamQuery(absl::string_view qname) {
  return {.question = {.qname = DomainName::FromText(qname).value(), .qtype = QType::kAaaa}};
}

TEST(OutgoingQueryTest, ContainsOnlyTheQuestionAndANewOpt) {
  const WireMessage message =
      Build(MakeUpstreamQuery("www.example.com"), {.padded = false, .ask_keepalive = false});
  EXPECT_EQ(message, MessageBuilder()
                         .Id(0xbeef)
                         .Flags(kFlagRd | kFlagAd)
                         .Question("www.example.com", QType::kAaaa)
                         .Opt({.udp_payload_size = 1232})
                         .Build());
}

TEST(OutgoingQueryTest, ForwardsDoAndCd) {
  UpstreamQuery query = MakeUpstreamQuery("www.example.com");
  query.dnssec_ok = true;
  query.checking_disabled = true;
  EXPECT_EQ(Build(query, {.padded = false, .ask_keepalive = true}),
            MessageBuilder()
                .Id(0xbeef)
                .Flags(kFlagRd | kFlagAd | kFlagCd)
                .Question("www.example.com", QType::kAaaa)
                .Opt({.flags = kEdnsFlagDo, .options = {{11, {}}}})
                .Build());
}

TEST(OutgoingQueryTest, UsesLessEdnsOnRequest) {
  UpstreamQuery query = MakeUpstreamQuery("www.example.com");
  query.dnssec_ok = true;
  query.edns = EdnsUse::kWithoutOptions;
  const auto expected = [] {
    MessageBuilder builder;
    builder.Id(0xbeef).Flags(kFlagRd | kFlagAd).Question("www.example.com", QType::kAaaa);
    return builder;
  };
  EXPECT_EQ(Build(query), expected().Opt({.flags = kEdnsFlagDo}).Build());
  query.edns = EdnsUse::kNone;
  EXPECT_EQ(Build(query), expected().Build());
}

TEST(OutgoingQueryTest, IsPaddedTo128OctetsForAnyNameAndFitsItsBuffer) {
  std::string qname;
  for (int labels = 0; labels < 127; ++labels) {
    const WireMessage message = Build(MakeUpstreamQuery(qname.empty() ? "." : qname));
    EXPECT_EQ(message.size() % 128, 0u);
    EXPECT_TRUE(std::holds_alternative<Query>(ParseQuery(message))) << labels;
    qname += "a.";
  }
}

}  // namespace
}  // namespace dotcache
