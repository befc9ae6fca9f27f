// SPDX-License-Identifier: Apache-2.0
#include "core/rate_table.h"

#include <thread>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr EventRate kRate{.per_second = 10, .burst = 5};
constexpr MonoTime kStart{std::chrono::hours(1)};

uint64_t Key(uint64_t number) { return number * 0x9e3779b97f4a7c15; }

int TakeAll(RateTable& table, uint64_t key, MonoTime now, int most = 100) {
  int taken = 0;
  while (taken < most && table.Take(key, kRate, now)) ++taken;
  return taken;
}

TEST(RateTableTest, BurstPassesAtOnceAndThenTheRate) {
  RateTable table(64);
  EXPECT_EQ(TakeAll(table, Key(1), kStart), 5);
  EXPECT_EQ(TakeAll(table, Key(1), kStart + Milliseconds(99)), 0);
  EXPECT_EQ(TakeAll(table, Key(1), kStart + Milliseconds(100)), 1);
  EXPECT_EQ(TakeAll(table, Key(1), kStart + Milliseconds(300)), 2);
}

TEST(RateTableTest, RefusedEventsCostNoToken) {
  RateTable table(64);
  TakeAll(table, Key(1), kStart);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(table.Take(Key(1), kRate, kStart));
  EXPECT_TRUE(table.Take(Key(1), kRate, kStart + Milliseconds(100)));
}

TEST(RateTableTest, BucketIsNeverMoreThanFull) {
  RateTable table(64);
  TakeAll(table, Key(1), kStart);
  EXPECT_EQ(TakeAll(table, Key(1), kStart + std::chrono::hours(24)), 5);
}

TEST(RateTableTest, KeysHaveTheirOwnBuckets) {
  RateTable table(1024);
  for (uint64_t key = 1; key <= 100; ++key) EXPECT_EQ(TakeAll(table, Key(key), kStart), 5) << key;
  for (uint64_t key = 1; key <= 100; ++key) EXPECT_EQ(TakeAll(table, Key(key), kStart), 0) << key;
}

TEST(RateTableTest, KeyWithTheLeastDebtMakesRoom) {
  RateTable table(8);  // One set.
  for (uint64_t key = 1; key <= 7; ++key) TakeAll(table, Key(key), kStart);
  TakeAll(table, Key(8), kStart, /*most=*/1);
  EXPECT_EQ(TakeAll(table, Key(9), kStart), 5);
  for (uint64_t key = 1; key <= 7; ++key) EXPECT_EQ(TakeAll(table, Key(key), kStart), 0) << key;
}

// The stored time wraps after 2^44 units of 1,024 ns.
TEST(RateTableTest, LimitHoldsWhenTheStoredTimeWraps) {
  RateTable table(8);
  const MonoTime wrap{std::chrono::nanoseconds((int64_t{1} << 44) * 1024)};
  EXPECT_EQ(TakeAll(table, Key(1), wrap - Milliseconds(50)), 5);
  EXPECT_EQ(TakeAll(table, Key(1), wrap + Milliseconds(51)), 1);
  EXPECT_EQ(TakeAll(table, Key(1), wrap + std::chrono::hours(100)), 5);
}

// Neither an old time nor an empty slot is a debt, at any age of the slot and of the machine.
TEST(RateTableTest, OldTimesAreNoDebts) {
  for (const int days : {50, 104, 150, 207, 300, 400}) {
    const MonoTime later = kStart + std::chrono::hours(24 * days);
    RateTable used(8);
    TakeAll(used, Key(1), kStart);
    EXPECT_EQ(TakeAll(used, Key(1), later), 5) << days;
    RateTable fresh(8);
    for (uint64_t key = 1; key <= 8; ++key) EXPECT_EQ(TakeAll(fresh, Key(key), later), 5) << days;
    for (uint64_t key = 1; key <= 8; ++key) EXPECT_EQ(TakeAll(fresh, Key(key), later), 0) << days;
  }
}

TEST(RateTableTest, HighRatesAreKept) {
  RateTable table(8);
  const EventRate rate{.per_second = 10'000, .burst = 100};
  int taken = 0;
  for (int ms = 0; ms < 1000; ++ms) {
    for (int i = 0; i < 20; ++i) taken += table.Take(Key(1), rate, kStart + Milliseconds(ms));
  }
  EXPECT_NEAR(taken, 10'100, 100);
}

TEST(RateTableTest, ThreadsShareOneBucket) {
  RateTable table(64);
  const EventRate rate{.per_second = 1, .burst = 1000};
  std::atomic<int> taken{0};
  auto take = [&] {
    for (int i = 0; i < 2000; ++i) taken += table.Take(Key(1), rate, kStart) ? 1 : 0;
  };
  std::thread a(take);
  std::thread b(take);
  a.join();
  b.join();
  // Events at the same instant may pass without a token, but none is refused that has one.
  EXPECT_GE(taken, 1000);
  EXPECT_FALSE(table.Take(Key(1), rate, kStart));
}

}  // namespace
}  // namespace dotcache
