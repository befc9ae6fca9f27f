// SPDX-License-Identifier: Apache-2.0
#include "cache/slot_table.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/cache/cache_test_data.h"

namespace dotcache {
namespace {

TEST(SlotTableTest, ARemovalClosesTheGapOfARun) {
  SlotTable table(8);
  std::vector<CacheEntryRef> entries;
  for (int i = 0; i < 4; ++i) entries.push_back(TestEntry(TestKey("a")));
  for (const CacheEntryRef& entry : entries) table.Put(/*hash=*/0, entry.get());
  EXPECT_EQ(table.SlotOf(*entries[3], 0), 3u);
  table.Remove(1);
  EXPECT_EQ(table.SlotOf(*entries[2], 0), 1u);
  EXPECT_EQ(table.SlotOf(*entries[3], 0), 2u);
  EXPECT_EQ(table[3].entry, nullptr);
}

TEST(SlotTableTest, AnEntryMovesBackOnlyAsFarAsItsHome) {
  SlotTable table(8);
  const CacheEntryRef first = TestEntry(TestKey("a"));
  const CacheEntryRef second = TestEntry(TestKey("b"));
  constexpr uint32_t kHomeIsOne = uint32_t{1} << 29;
  table.Put(0, first.get());
  table.Put(kHomeIsOne, second.get());
  table.Remove(0);
  EXPECT_EQ(table.SlotOf(*second, kHomeIsOne), 1u);
  table.Clear();
  EXPECT_EQ(table[1].entry, nullptr);
}

TEST(SlotTableTest, ATableMayHaveNoSlots) {
  const SlotTable table(0);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.bytes(), 0u);
}

}  // namespace
}  // namespace dotcache
