// SPDX-License-Identifier: Apache-2.0
#include "dns/domain_name.h"

#include <string>

#include "absl/hash/hash_testing.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

using ::testing::HasSubstr;

DomainName Name(absl::string_view text) { return DomainName::FromText(text).value(); }

std::string LabelOf(size_t size) { return std::string(size, 'a'); }

TEST(DomainNameTest, TextBecomesLengthPrefixedLabels) {
  EXPECT_EQ(Name("www.Example.com").wire(), Bytes(WireName("www.Example.com").octets));
  EXPECT_EQ(Name("www.example.com."), Name("www.example.com"));
  EXPECT_EQ(Name("."), DomainName());
  EXPECT_EQ(DomainName().wire(), Bytes(WireMessage{0}));
}

TEST(DomainNameTest, EscapesAreOctets) {
  EXPECT_EQ(Name("a\\.b\\\\c.x").wire(),
            Bytes(WireMessage{5, 'a', '.', 'b', '\\', 'c', 1, 'x', 0}));
  EXPECT_EQ(Name("\\000\\255\\032").wire(), Bytes(WireMessage{3, 0, 255, 32, 0}));
}

TEST(DomainNameTest, BadTextIsRejectedWithAReason) {
  const auto why = [](absl::string_view text) {
    return std::string(DomainName::FromText(text).status().message());
  };
  EXPECT_THAT(why(""), HasSubstr("is empty"));
  for (absl::string_view text : {"a..b", ".a", ".."})
    EXPECT_THAT(why(text), HasSubstr("empty label"));
  for (absl::string_view text :
       {"a b", "a\\", "a\\25", "a\\256", "a\\2x5", "a\n", "\xc3\xbc", "\\ "}) {
    EXPECT_THAT(why(text), HasSubstr("escape")) << text;
  }
  EXPECT_THAT(why(LabelOf(64)), HasSubstr("63 octets"));
  EXPECT_EQ(DomainName::FromText("a..b").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(DomainNameTest, LabelsOf63AndNamesOf255OctetsAreTheLimit) {
  const std::string three = absl::StrCat(LabelOf(63), ".", LabelOf(63), ".", LabelOf(63), ".");
  EXPECT_EQ(Name(absl::StrCat(three, LabelOf(61))).size(), 255u);
  EXPECT_EQ(Name(absl::StrCat(three, LabelOf(61), ".")).size(), 255u);
  EXPECT_FALSE(DomainName::FromText(absl::StrCat(three, LabelOf(62))).ok());
  EXPECT_FALSE(DomainName::FromText(absl::StrCat(three, LabelOf(60), ".a")).ok());
  std::string many;
  for (int i = 0; i < 127; ++i) many += "a.";
  EXPECT_EQ(Name(many).LabelCount(), 127);
  EXPECT_EQ(Name(many).size(), 255u);
  EXPECT_FALSE(DomainName::FromText(many + "a").ok());
}

TEST(DomainNameTest, CanonicalChangesOnlyLettersAtEveryPosition) {
  WireMessage all;
  for (int octet = 0; octet < 256; ++octet) {
    if (octet % 60 == 0) all.push_back(static_cast<uint8_t>(std::min(60, 256 - octet)));
    all.push_back(static_cast<uint8_t>(octet));
  }
  all.resize(253);  // The last label is shortened to fit.
  all[244] = 8;
  all.push_back(0);
  const DomainName canonical = DomainName::FromValidatedWire(all).Canonical();
  for (size_t i = 0; i < all.size(); ++i) {
    const bool upper = all[i] >= 'A' && all[i] <= 'Z';
    EXPECT_EQ(canonical.wire()[i], upper ? all[i] + 32 : all[i]) << i;
  }
  EXPECT_EQ(Name("WwW.ExAmPlE.CoM").Canonical(), Name("www.example.com"));
}

TEST(DomainNameTest, LabelsAreCountedAndRemovedFromTheLeft) {
  EXPECT_EQ(DomainName().LabelCount(), 0);
  EXPECT_EQ(Name("www.example.com").LabelCount(), 3);
  EXPECT_EQ(Name("www.example.com").WithoutLabels(0), Name("www.example.com"));
  EXPECT_EQ(Name("www.example.com").WithoutLabels(2), Name("com"));
  EXPECT_EQ(Name("www.example.com").WithoutLabels(3), DomainName());
}

TEST(DomainNameTest, AncestryComparesWholeLabelsAndIgnoresCase) {
  EXPECT_TRUE(Name("www.EXAMPLE.com").IsAtOrBelow(Name("example.COM")));
  EXPECT_TRUE(Name("example.com").IsAtOrBelow(Name("example.com")));
  EXPECT_TRUE(Name("example.com").IsAtOrBelow(DomainName()));
  EXPECT_FALSE(Name("com").IsAtOrBelow(Name("example.com")));
  EXPECT_FALSE(Name("badexample.com").IsAtOrBelow(Name("example.com")));
  // The name ends with the octets of the ancestor, but inside a label.
  EXPECT_FALSE(Name("x\\003com").IsAtOrBelow(Name("com")));
}

TEST(DomainNameTest, TextRoundTripsAndEscapesControlOctets) {
  EXPECT_EQ(DomainName().ToString(), ".");
  EXPECT_EQ(Name("www.Example.com").ToString(), "www.Example.com.");
  EXPECT_EQ(Name("a\\.b\\027[0m\\032.x\\255").ToString(), "a\\.b\\027[0m\\032.x\\255.");
  for (int octet = 0; octet < 256; ++octet) {
    const WireMessage wire = {1, static_cast<uint8_t>(octet), 0};
    const DomainName name = DomainName::FromValidatedWire(wire);
    EXPECT_EQ(Name(name.ToString()), name) << octet;
  }
}

TEST(DomainNameTest, EqualNamesHashEqually) {
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly(
      {DomainName(), Name("a"), Name("b"), Name("A"), Name("a.b"), Name("ab"), Name("a\\001b")}));
}

}  // namespace
}  // namespace dotcache
