// SPDX-License-Identifier: Apache-2.0
#include "cache/cache_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "tests/cache/cache_test_data.h"

namespace dotcache {
namespace {

// FNV-1a, as an example of a hash without a secret.
uint32_t UnkeyedHash(Bytes octets) {
  uint32_t hash = 2166136261;
  for (const uint8_t octet : octets) hash = (hash ^ octet) * 16777619;
  return hash;
}

TEST(CacheKeyTest, HoldsTheQuestionAndAnOctetWithDoAndCd) {
  const Question question{DomainName(), QType::kHttps, QClass::kChaos};
  const std::vector<uint8_t> expected = {0, 0, 65, 0, 3, 2};
  const CacheKey key(question, false, true, kTestSeed);
  EXPECT_EQ(key.bytes(), Bytes(expected));
  EXPECT_EQ(key.question(), Bytes(expected).first(5));
  EXPECT_EQ(key.flags(), 2);
}

TEST(CacheKeyTest, EqualQuestionsMakeEqualKeys) {
  EXPECT_EQ(TestKey("www"), TestKey("www"));
  EXPECT_EQ(TestKey("www").hash(), TestKey("www").hash());
}

TEST(CacheKeyTest, EveryPartOfTheQuestionCounts) {
  std::vector<CacheKey> keys;
  for (const char* label : {"www", "ww", "wwww"}) {
    for (const QType qtype : {QType::kA, QType::kAaaa}) {
      for (const QClass qclass : {QClass::kIn, QClass::kChaos}) {
        for (const int flags : {0, 1, 2, 3}) {
          const Question question{TestQuestion(label).qname, qtype, qclass};
          keys.emplace_back(question, (flags & 1) != 0, (flags & 2) != 0, kTestSeed);
        }
      }
    }
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      EXPECT_FALSE(keys[i] == keys[j]) << i << " " << j;
      EXPECT_NE(keys[i].hash(), keys[j].hash()) << i << " " << j;
    }
  }
}

TEST(CacheKeyTest, TheSeedChangesTheHash) {
  const CacheKey other(TestQuestion("www"), false, false, HashSeed{1, 2});
  EXPECT_NE(TestKey("www").hash(), other.hash());
}

TEST(CacheKeyTest, HoldsTheLongestName) {
  std::vector<uint8_t> wire;
  for (const int size : {63, 63, 63, 61}) {
    wire.push_back(static_cast<uint8_t>(size));
    wire.insert(wire.end(), static_cast<size_t>(size), 'a');
  }
  wire.push_back(0);
  ASSERT_EQ(wire.size(), kMaxNameSize);
  const Question question{DomainName::FromValidatedWire(wire), QType::kA, QClass::kIn};
  const CacheKey key(question, true, true, kTestSeed);
  EXPECT_EQ(key.bytes().first(wire.size()), Bytes(wire));
  EXPECT_EQ(key.flags(), 3);
}

TEST(CacheKeyTest, CopiesAndSelfAssignmentAreEqual) {
  CacheKey key = TestKey("www");
  CacheKey copy = TestKey("a-longer-label");
  copy = key;
  EXPECT_EQ(copy, key);
  const CacheKey& self = key;
  key = self;
  EXPECT_EQ(copy, key);
}

TEST(CacheKeyTest, WorksInHashTables) {
  absl::flat_hash_set<CacheKey> keys = {TestKey("a"), TestKey("b")};
  EXPECT_TRUE(keys.contains(TestKey("a")));
  EXPECT_FALSE(keys.contains(TestKey("c")));
}

TEST(CacheKeyTest, NamesThatCollideUnderAnUnkeyedHashSpreadEvenly) {
  constexpr size_t kNames = 100000;
  constexpr int kBits = 3;
  std::vector<int> by_high_bits(1 << kBits);
  std::vector<int> by_low_bits(1 << kBits);
  size_t found = 0;
  for (int i = 0; found < kNames; ++i) {
    const Question question = TestQuestion(absl::StrCat("n", i));
    if (UnkeyedHash(question.qname.wire()) % (1 << kBits) != 0) continue;
    ++found;
    const uint64_t hash = CacheKey(question, false, false, kTestSeed).hash();
    ++by_high_bits[hash >> (64 - kBits)];
    ++by_low_bits[(hash & 0xffffffff) >> (32 - kBits)];
  }
  constexpr int kFair = static_cast<int>(kNames) >> kBits;
  for (const auto& counts : {by_high_bits, by_low_bits}) {
    EXPECT_GT(*std::min_element(counts.begin(), counts.end()), kFair * 97 / 100);
    EXPECT_LT(*std::max_element(counts.begin(), counts.end()), kFair * 103 / 100);
  }
}

}  // namespace
}  // namespace dotcache
