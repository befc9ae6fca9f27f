// SPDX-License-Identifier: Apache-2.0
#include "cache/segmented_lru.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/response_cache.h"
#include "tests/cache/cache_test_data.h"

namespace dotcache {
namespace {

using ::testing::ElementsAre;

constexpr size_t kEntrySize = 128;  // The charge of a TestEntry().

// A shard whose protected segment holds `protected_percent` of eight entries.
CacheOptions Segmented(int protected_percent) {
  CacheOptions options;
  options.lru_protected_percent = protected_percent;
  options.tuning.lru_slack_percent = 0;
  options.stale_max_age = Seconds{0};
  options.prefetch = false;
  return options;
}

class SegmentedLruTest : public testing::Test {
 protected:
  void Put(LruShard& shard, const std::string& label, ResponseKind kind = ResponseKind::kAnswer,
           MonoTime now = At(0)) {
    const CacheKey key = TestKey(label);
    shard.Insert(key, MakeCacheEntry(TestMessage(key, 62), {.kind = kind}, now, Seconds{60}), now);
  }

  bool Has(LruShard& shard, const std::string& label, MonoTime now = At(0)) {
    return shard.Lookup(TestKey(label), now).state == Found::State::kFresh;
  }

  // Those of the labels that are still there, each looked up once.
  std::vector<std::string> Held(LruShard& shard, std::vector<std::string> labels) {
    std::erase_if(labels, [&](const std::string& label) { return !Has(shard, label); });
    return labels;
  }

  // Now it is protected.
  void PutAndLookUp(LruShard& shard, const std::string& label) {
    Put(shard, label);
    ASSERT_TRUE(Has(shard, label));
  }

  void PutOthers(LruShard& shard, int count, MonoTime now = At(0)) {
    for (int i = 0; i < count; ++i) {
      Put(shard, absl::StrCat("other", other_++), ResponseKind::kAnswer, now);
    }
  }

  // Room for 8 entries beside the table.
  static constexpr size_t kBudget = 8 * kEntrySize * 8 / 7 + 32;
  int other_ = 0;
};

TEST_F(SegmentedLruTest, AnEntryWithAHitOutlivesEntriesWithout) {
  LruShard shard(kBudget, Segmented(80));
  Put(shard, "hot");
  Put(shard, "cold");
  ASSERT_TRUE(Has(shard, "hot"));
  PutOthers(shard, 1000);
  EXPECT_THAT(Held(shard, {"hot", "cold"}), ElementsAre("hot"));
}

TEST_F(SegmentedLruTest, AShareOfZeroIsPlainLru) {
  LruShard shard(kBudget, Segmented(0));
  PutAndLookUp(shard, "hot");
  PutOthers(shard, 8);
  EXPECT_FALSE(Has(shard, "hot"));
}

TEST_F(SegmentedLruTest, OverItsShareTheProtectedSegmentReturnsItsOldest) {
  LruShard shard(kBudget, Segmented(30));  // Two of eight.
  for (const char* label : {"a", "b", "c"}) PutAndLookUp(shard, label);
  PutOthers(shard, 100);
  EXPECT_THAT(Held(shard, {"a", "b", "c"}), ElementsAre("b", "c"));
}

TEST_F(SegmentedLruTest, AReturnedEntryIsTheNewestOnProbation) {
  LruShard shard(kBudget, Segmented(30));
  PutAndLookUp(shard, "a");
  for (const char* label : {"b", "c"}) PutAndLookUp(shard, label);
  PutOthers(shard, 5);
  ASSERT_TRUE(Has(shard, "a"));  // Protected again, in place of b.
  PutOthers(shard, 100);
  EXPECT_THAT(Held(shard, {"a", "b"}), ElementsAre("a"));
}

TEST_F(SegmentedLruTest, ARefreshedEntryKeepsItsSegment) {
  LruShard shard(kBudget, Segmented(80));
  PutAndLookUp(shard, "hot");
  Put(shard, "hot", ResponseKind::kAnswer, At(30));
  PutOthers(shard, 100, At(30));
  EXPECT_TRUE(Has(shard, "hot", At(30)));
  // An expired entry keeps its place.
  EXPECT_FALSE(Has(shard, "hot", At(90)));
  Put(shard, "hot", ResponseKind::kAnswer, At(90));
  PutOthers(shard, 100, At(90));
  EXPECT_TRUE(Has(shard, "hot", At(90)));
}

TEST_F(SegmentedLruTest, AnNxDomainIsProtectedAfterTwoHits) {
  LruShard shard(kBudget, Segmented(80));
  for (const char* label : {"once", "twice"}) {
    Put(shard, label, ResponseKind::kNxDomain);
    ASSERT_TRUE(Has(shard, label));  // A client's second query: AAAA after A.
  }
  ASSERT_TRUE(Has(shard, "twice"));
  PutOthers(shard, 100);
  EXPECT_FALSE(Has(shard, "once"));
  EXPECT_TRUE(Has(shard, "twice"));
}

TEST_F(SegmentedLruTest, WithEmptyProbationTheOldestProtectedEntryIsEvicted) {
  LruShard shard(80 * kEntrySize * 8 / 7 + 32, Segmented(95));
  for (int i = 0; i < 80; ++i) {
    Put(shard, absl::StrCat("n", i));
    ASSERT_TRUE(Has(shard, absl::StrCat("n", i)));
  }
  // Four or five are on probation; this takes the room of nine.
  const CacheKey large = TestKey("large");
  shard.Insert(large, TestEntry(large, At(60), 1050), At(0));
  ASSERT_TRUE(Has(shard, "large"));
  for (int i = 0; i < 80; ++i) EXPECT_EQ(Has(shard, absl::StrCat("n", i)), i >= 9) << i;
}

// One query in eleven is for a hot name. The hot names take 30 percent of the capacity and are
// equally popular. The other ten queries are for names that are queried once.
class Flood {
 public:
  Flood(int protected_percent, ResponseKind flood_kind, Seconds ttl)
      : cache_(Options(protected_percent), kTestSeed), flood_kind_(flood_kind), ttl_(ttl) {
    for (int i = 0; i < kHotNames; ++i) hot_.push_back(TestKey(absl::StrCat("hot", i)));
    // Popular before the flood begins.
    for (int round = 0; round < 2; ++round) {
      for (const CacheKey& key : hot_) Ask(key, ResponseKind::kAnswer);
    }
  }

  // Returns the hit rate of the queries for hot names.
  double HitRate(int steps) {
    int hits = 0;
    for (int step = 0; step < steps; ++step) {
      now_ += Milliseconds{6};  // Each hot name is queried every 0.8 seconds.
      if (Ask(hot_[random_() % kHotNames], ResponseKind::kAnswer)) ++hits;
      for (int i = 0; i < 10; ++i) Ask(TestKey(absl::StrCat("flood", flood_++)), flood_kind_);
    }
    return static_cast<double>(hits) / steps;
  }

 private:
  static constexpr size_t kCapacity = 448;
  static constexpr int kHotNames = kCapacity * 30 / 100;

  static CacheOptions Options(int protected_percent) {
    CacheOptions options;
    options.budget_bytes = kCapacity * kEntrySize * 8 / 7;
    options.tuning.shards = 2;
    options.lru_protected_percent = protected_percent;
    return options;
  }

  // Handles a query: from the cache, or fetched and stored.
  bool Ask(const CacheKey& key, ResponseKind kind) {
    const Found found = cache_.Lookup(key, now_);
    const bool hit = found.state == Found::State::kFresh;
    if (!hit || found.refresh_due) {
      cache_.Insert(key, MakeCacheEntry(TestMessage(key, 62), {.kind = kind}, now_, ttl_), now_);
    }
    return hit;
  }

  ResponseCache cache_;
  const ResponseKind flood_kind_;
  const Seconds ttl_;
  std::vector<CacheKey> hot_;
  MonoTime now_ = At(0);
  std::mt19937 random_{1};
  int flood_ = 0;
};

TEST(FloodTest, AFloodOfNamesQueriedOnceDoesNotEvictHotNames) {
  for (const ResponseKind kind : {ResponseKind::kNxDomain, ResponseKind::kAnswer}) {
    EXPECT_GE(Flood(80, kind, Seconds{86400}).HitRate(5000), 0.99) << static_cast<int>(kind);
  }
}

// Runs for a minute and a half, so each hot name is refreshed at least once.
TEST(FloodTest, AFloodDoesNotEvictRefreshedHotNames) {
  EXPECT_GE(Flood(80, ResponseKind::kNxDomain, Seconds{60}).HitRate(15000), 0.99);
}

TEST(FloodTest, PlainLruLosesHotNames) {
  EXPECT_LT(Flood(0, ResponseKind::kNxDomain, Seconds{86400}).HitRate(5000), 0.5);
}

}  // namespace
}  // namespace dotcache
