// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/sent_query.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(SentQueryTest, TheQueryIsTheOneThatWasSent) {
  UpstreamQuery query;
  query.question = {*DomainName::FromText("Www.example.com"), QType::kAaaa, QClass::kIn};
  query.dnssec_ok = true;
  query.client = 7;
  query.edns = EdnsUse::kWithoutOptions;
  query.observed = true;
  const SentQuery sent(query, 1, SentQuery::Purpose::kAttempt, MonoTime(Seconds{1}));
  EXPECT_EQ(sent.query().question.qname.ToString(), "Www.example.com.");
  EXPECT_EQ(sent.query().question.qtype, QType::kAaaa);
  EXPECT_TRUE(sent.query().dnssec_ok);
  EXPECT_FALSE(sent.query().checking_disabled);
  EXPECT_EQ(sent.query().client, 7u);
  EXPECT_EQ(sent.query().edns, EdnsUse::kWithoutOptions);
  EXPECT_TRUE(sent.query().observed);
}

}  // namespace
}  // namespace dotcache
