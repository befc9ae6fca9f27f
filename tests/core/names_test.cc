// SPDX-License-Identifier: Apache-2.0
#include "core/names.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

enum class Size { kSmall, kLarge, kUnnamed };

constexpr Named<Size> kSizes[] = {{Size::kSmall, "small"}, {Size::kLarge, "large"}};

TEST(NamesTest, ValueHasTheNameOfItsRow) {
  EXPECT_EQ(NameOf(kSizes, Size::kSmall, "other"), "small");
  EXPECT_EQ(NameOf(kSizes, Size::kLarge, "other"), "large");
}

TEST(NamesTest, ValueHasTheNumberOfItsRow) {
  EXPECT_EQ(RowOf(kSizes, Size::kLarge), 1u);
  EXPECT_EQ(RowOf(kSizes, Size::kUnnamed), 2u);
}

TEST(NamesTest, ValueWithoutARowHasTheDefaultName) {
  EXPECT_EQ(NameOf(kSizes, Size::kUnnamed, "other"), "other");
}

TEST(NamesTest, ValuesThatCountFromZeroHaveTheirNamesInOrder) {
  constexpr absl::string_view kInOrder[] = {"small", "large"};
  EXPECT_EQ(NameInOrder(kInOrder, Size::kLarge), "large");
  EXPECT_EQ(NameInOrder(kInOrder, Size::kUnnamed), "");
}

TEST(NamesTest, ValueWithoutARowHasItsNumber) {
  EXPECT_EQ(NameOrNumber(kSizes, Size::kSmall, "SIZE"), "small");
  EXPECT_EQ(NameOrNumber(kSizes, Size::kUnnamed, "SIZE"), "SIZE2");
}

}  // namespace
}  // namespace dotcache
