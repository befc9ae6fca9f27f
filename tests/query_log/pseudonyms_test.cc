// SPDX-License-Identifier: Apache-2.0
#include "query_log/pseudonyms.h"

#include <string>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr int64_t kOneDay = 86400;

Endpoint Client(absl::string_view text) { return *Endpoint::Parse(text); }
DomainName Name(absl::string_view text) { return *DomainName::FromText(text); }

Pseudonyms Of(Disclosure disclosure) {
  Pseudonyms pseudonyms(disclosure, disclosure);
  pseudonyms.UseDay(0);
  return pseudonyms;
}

TEST(PseudonymsTest, PlainShowsEverything) {
  const Pseudonyms plain = Of(Disclosure::kPlain);
  EXPECT_EQ(plain.NameText(Name("Www.example.com")), "Www.example.com.");
  EXPECT_EQ(plain.ClientText(Client("192.0.2.1:4242")), "192.0.2.1:4242");
}

TEST(PseudonymsTest, TruncatedShowsTwoLabelsAndTheNetwork) {
  const Pseudonyms truncated = Of(Disclosure::kTruncated);
  EXPECT_EQ(truncated.NameText(Name("a.www.example.com")), "example.com.");
  EXPECT_EQ(truncated.NameText(Name("com")), "com.");
  EXPECT_EQ(truncated.NameText(Name(".")), ".");
  EXPECT_EQ(truncated.ClientText(Client("192.0.2.77:4242")), "192.0.2.0/24");
  EXPECT_EQ(truncated.ClientText(Client("[2001:db8:1:2:3::4]:53")), "2001:db8:1::/48");
}

TEST(PseudonymsTest, HashesAreEqualForEqualNamesAndClientsOfOneDay) {
  const Pseudonyms hashed = Of(Disclosure::kHashed);
  EXPECT_EQ(hashed.NameText(Name("WWW.example.com")), hashed.NameText(Name("www.Example.com")));
  EXPECT_NE(hashed.NameText(Name("www.example.com")), hashed.NameText(Name("example.com")));
  EXPECT_EQ(hashed.NameText(Name("www.example.com")).size(), 16u);
  EXPECT_EQ(hashed.ClientText(Client("192.0.2.1:1")), hashed.ClientText(Client("192.0.2.1:2")));
  EXPECT_NE(hashed.ClientText(Client("192.0.2.1:1")), hashed.ClientText(Client("192.0.2.2:1")));
}

TEST(PseudonymsTest, TheKeyChangesWithTheDay) {
  Pseudonyms hashed = Of(Disclosure::kHashed);
  const std::string first = hashed.NameText(Name("example.com"));
  hashed.UseDay(kOneDay - 1);
  EXPECT_EQ(hashed.NameText(Name("example.com")), first);
  hashed.UseDay(kOneDay);
  EXPECT_NE(hashed.NameText(Name("example.com")), first);
}

}  // namespace
}  // namespace dotcache
