// SPDX-License-Identifier: Apache-2.0
#include "answer/zone_names.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

DomainName Name(absl::string_view text) { return DomainName::FromText(text)->Canonical(); }

TEST(ZoneNamesTest, TheClosestZoneHasTheName) {
  const std::vector<DomainName> zones = {Name("."), Name("corp.example"), Name("a.corp.example")};
  const ZoneNames names(zones);
  EXPECT_EQ(names.size(), 3u);
  EXPECT_EQ(names.ZoneOf({Name("www.example"), QType::kA}), 0u);
  EXPECT_EQ(names.ZoneOf({Name("corp.example"), QType::kA}), 1u);
  EXPECT_EQ(names.ZoneOf({Name("x.a.corp.example"), QType::kA}), 2u);
}

TEST(ZoneNamesTest, TheCaseOfAZoneIsOfNoImportance) {
  for (const char* zone : {"corp.Example", "CORP.internal", "Xn--p1ai", "1", "-"}) {
    const std::vector<DomainName> zones = {*DomainName::FromText(zone)};
    const ZoneNames names(zones);
    EXPECT_EQ(names.ZoneOf({Name(absl::StrCat("www.", zone)), QType::kA}), 1u) << zone;
    EXPECT_EQ(names.ZoneOf({Name("www.other"), QType::kA}), 0u);
    EXPECT_EQ(names.ZoneOf({DomainName(), QType::kNs}), 0u);
  }
}

// RFC 4035 section 3.1.4.1.
TEST(ZoneNamesTest, TheDsOfAZoneBelongsToTheZoneAbove) {
  const std::vector<DomainName> zones = {Name("corp.example"), Name("a.corp.example")};
  const ZoneNames names(zones);
  EXPECT_EQ(names.ZoneOf({Name("corp.example"), QType::kDs}), 0u);
  EXPECT_EQ(names.ZoneOf({Name("a.corp.example"), QType::kDs}), 1u);
}

}  // namespace
}  // namespace dotcache
