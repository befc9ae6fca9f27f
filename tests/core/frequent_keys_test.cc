// SPDX-License-Identifier: Apache-2.0
#include "core/frequent_keys.h"

#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(FrequentKeysTest, CountsAreExactWhileThereIsRoom) {
  FrequentKeys keys(4);
  for (const char* key : {"a", "b", "a", "c", "a", "b"}) keys.Add(key);
  std::vector<FrequentKeys> streams;
  streams.push_back(std::move(keys));
  const auto items = MostFrequent(streams, 2);
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].key, "a");
  EXPECT_EQ(items[0].count, 3u);
  EXPECT_EQ(items[1].key, "b");
  EXPECT_EQ(items[1].error, 0u);
}

// The stream has three frequent keys among keys that occur once.
TEST(FrequentKeysTest, FrequentKeysAreFoundInBoundedMemoryWithinTheirError) {
  constexpr size_t kCapacity = 50;
  FrequentKeys keys(kCapacity);
  std::map<std::string, uint64_t> exact;
  std::mt19937 random(1);
  for (int i = 0; i < 100000; ++i) {
    const uint64_t drawn = random() % 100;
    const std::string key = drawn < 30 ? absl::StrCat("hot", drawn % 3) : absl::StrCat("cold", i);
    keys.Add(key);
    ++exact[key];
  }
  EXPECT_EQ(keys.total(), 100000u);
  EXPECT_EQ(keys.items().size(), kCapacity);
  for (const FrequentKeys::Item& item : keys.items()) {
    EXPECT_LE(exact[item.key], item.count) << item.key;
    EXPECT_GE(exact[item.key], item.count - item.error) << item.key;
    EXPECT_LE(item.error, keys.total() / kCapacity);
  }
  std::vector<FrequentKeys> streams;
  streams.push_back(std::move(keys));
  const auto items = MostFrequent(streams, 3);
  for (const FrequentKeys::Item& item : items) EXPECT_EQ(item.key.substr(0, 3), "hot");
}

TEST(FrequentKeysTest, CountsOfSeveralStreamsAreAdded) {
  std::vector<FrequentKeys> streams(2, FrequentKeys(2));
  for (FrequentKeys& stream : streams) stream.Add("a");
  streams[1].Add("b");
  const auto items = MostFrequent(streams, 10);
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].count, 2u);
}

}  // namespace
}  // namespace dotcache
