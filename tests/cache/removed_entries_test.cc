// SPDX-License-Identifier: Apache-2.0
#include "cache/removed_entries.h"

#include <gtest/gtest.h>

#include "tests/cache/lru_shard_test_data.h"

namespace dotcache {
namespace {

TEST(RemovedEntriesTest, AnEntryMayBeStoredAgainAfterItsRemoval) {
  LruShard shard(1 << 16, PlainLru(0));
  const CacheEntryRef entry = TestEntry(TestKey("a"));
  shard.Insert(TestKey("a"), entry, At(0));
  EXPECT_FALSE(entry->Claim(0));
  shard.Take(TestKey("a"));
  EXPECT_TRUE(entry->Claim(0));
  entry->EndClaim();
}

}  // namespace
}  // namespace dotcache
