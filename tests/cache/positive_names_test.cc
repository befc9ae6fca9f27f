// SPDX-License-Identifier: Apache-2.0
#include "cache/positive_names.h"

#include <gtest/gtest.h>

#include "tests/cache/cache_test_data.h"

namespace dotcache {
namespace {

constexpr size_t kBudget = 1 << 20;
constexpr uint64_t kName = 0x123456789abcdef0;

TEST(PositiveNamesTest, DataOfAnotherTypeIsKnownForAnHour) {
  PositiveNames names(kBudget);
  EXPECT_FALSE(names.HadOtherThan(kName, QType::kAaaa, At(0)));
  names.Note(kName, QType::kA, At(100));
  EXPECT_TRUE(names.HadOtherThan(kName, QType::kAaaa, At(100)));
  EXPECT_TRUE(names.HadOtherThan(kName, QType::kAaaa, At(3699)));
  EXPECT_FALSE(names.HadOtherThan(kName, QType::kAaaa, At(3700)));
}

TEST(PositiveNamesTest, DataOfTheDeniedTypeAloneDoesNotCount) {
  PositiveNames names(kBudget);
  for (const int at : {0, 1}) names.Note(kName, QType::kA, At(at));
  EXPECT_FALSE(names.HadOtherThan(kName, QType::kA, At(2)));
  names.Note(kName, QType::kMx, At(2));
  EXPECT_TRUE(names.HadOtherThan(kName, QType::kA, At(3)));
  EXPECT_TRUE(names.HadOtherThan(kName, QType::kMx, At(3)));
}

TEST(PositiveNamesTest, ExpiredDataDoesNotMixWithLaterData) {
  PositiveNames names(kBudget);
  names.Note(kName, QType::kMx, At(0));
  names.Note(kName, QType::kA, At(4000));
  EXPECT_FALSE(names.HadOtherThan(kName, QType::kA, At(4001)));
}

TEST(PositiveNamesTest, NamesOfOneSlotReplaceEachOther) {
  for (const size_t budget : {size_t{0}, size_t{1} << 20, size_t{1} << 40}) {
    PositiveNames names(budget);
    const uint64_t other = kName ^ (uint64_t{1} << 40);  // Another name, the same slot.
    names.Note(kName, QType::kA, At(0));
    EXPECT_FALSE(names.HadOtherThan(other, QType::kAaaa, At(0)));
    names.Note(other, QType::kA, At(0));
    EXPECT_TRUE(names.HadOtherThan(other, QType::kAaaa, At(0)));
    EXPECT_FALSE(names.HadOtherThan(kName, QType::kAaaa, At(0)));
  }
}

}  // namespace
}  // namespace dotcache
