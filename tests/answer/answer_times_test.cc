// SPDX-License-Identifier: Apache-2.0
#include "answer/answer_times.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr uint64_t kA = uint64_t{1} << 60;
constexpr uint64_t kB = uint64_t{2} << 60;

MonoTime At(int64_t seconds) { return MonoTime() + Seconds(seconds); }

TEST(AnswerTimesTest, AnAnswerToTheNameItselfDoesNotCount) {
  AnswerTimes times(2);
  EXPECT_EQ(times.LatestOfOther(0, kA), MonoTime());
  times.Note(0, kA, At(10));
  EXPECT_EQ(times.LatestOfOther(0, kA), MonoTime());
  EXPECT_EQ(times.LatestOfOther(0, kB), At(10));
  times.Note(0, kB, At(20));
  times.Note(0, kB, At(30));
  EXPECT_EQ(times.LatestOfOther(0, kA), At(30));
  EXPECT_EQ(times.LatestOfOther(0, kB), At(10));
}

TEST(AnswerTimesTest, ZonesAreApart) {
  AnswerTimes times(2);
  times.Note(1, kA, At(10));
  EXPECT_EQ(times.LatestOfOther(0, kB), MonoTime());
  EXPECT_EQ(times.LatestOfOther(1, kB), At(10));
}

// RFC 9520 section 3.2: a failure is kept for a second at least.
TEST(AnswerTimesTest, AFailureMayBeOverAfterAnAnswerToAnotherName) {
  const auto failure = [](uint16_t id) {
    WireMessage wire(kHeaderSize);
    StoreU16(wire.data(), id);
    return MakeCacheEntry(StoredView{wire, {}}, {.kind = ResponseKind::kServFail}, At(10),
                          Seconds(60));
  };
  AnswerTimes times(2);
  EXPECT_FALSE(times.MayBeOver(*failure(1), kA, At(20)));
  times.Note(1, kB, At(15));
  EXPECT_TRUE(times.MayBeOver(*failure(1), kA, At(20)));
  EXPECT_FALSE(times.MayBeOver(*failure(0), kA, At(20)));  // Of another zone.
  EXPECT_FALSE(times.MayBeOver(*failure(1 | CacheEntry::kOfName), kA, At(20)));
  times.Note(1, kB, At(10) + Milliseconds(500));
  EXPECT_FALSE(times.MayBeOver(*failure(1), kA, At(10) + Milliseconds(999)));
}

}  // namespace
}  // namespace dotcache
