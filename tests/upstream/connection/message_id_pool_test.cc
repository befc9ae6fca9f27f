// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/message_id_pool.h"

#include <array>
#include <set>
#include <vector>

#include "absl/random/random.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(MessageIdPoolTest, NeverHandsOutAnIdThatIsTaken) {
  absl::BitGen random;
  MessageIdPool pool(random);
  std::set<uint16_t> taken;
  for (int i = 0; i < MessageIdPool::kMaxTaken; ++i) ASSERT_TRUE(taken.insert(pool.Take()).second);
  EXPECT_EQ(pool.taken_count(), MessageIdPool::kMaxTaken);
}

TEST(MessageIdPoolTest, ReleasedIdsComeBack) {
  absl::BitGen random;
  MessageIdPool pool(random);
  for (int i = 0; i < 200000; ++i) pool.Release(pool.Take());
  EXPECT_EQ(pool.taken_count(), 0);
}

// 2 x 10^5 draws over 256 values of each octet: 781 expected, standard deviation 28.
TEST(MessageIdPoolTest, BothOctetsAreUniform) {
  absl::BitGen random;
  MessageIdPool pool(random);
  std::array<int, 256> high{};
  std::array<int, 256> low{};
  for (int i = 0; i < 200000; ++i) {
    const uint16_t id = pool.Take();
    pool.Release(id);
    ++high[id >> 8];
    ++low[id & 0xff];
  }
  for (int value = 0; value < 256; ++value) {
    EXPECT_NEAR(high[static_cast<size_t>(value)], 781, 200);
    EXPECT_NEAR(low[static_cast<size_t>(value)], 781, 200);
  }
}

TEST(MessageIdPoolTest, ConsecutiveIdsAreUnrelated) {
  absl::BitGen random;
  MessageIdPool pool(random);
  std::set<uint16_t> differences;
  uint16_t last = pool.Take();
  for (int i = 0; i < 1000; ++i) {
    const uint16_t id = pool.Take();
    differences.insert(static_cast<uint16_t>(id - last));
    pool.Release(last);
    last = id;
  }
  EXPECT_GT(differences.size(), 950u);
}

}  // namespace
}  // namespace dotcache
