// SPDX-License-Identifier: Apache-2.0
#include "cache/entry_reading.h"

#include <gtest/gtest.h>

#include "cache/response_cache.h"
#include "tests/cache/cache_test_data.h"

namespace dotcache {
namespace {

CacheEntryRef EntryOf(const EntryFacts& facts, int stored_at = 0) {
  return MakeCacheEntry(TestMessage(TestKey("a"), 40), facts, At(stored_at), Seconds{60});
}

TEST(EntryReadingTest, DataHasAnOriginAndAFailureHasNone) {
  EXPECT_EQ(EntryOrigin(*EntryOf({.kind = ResponseKind::kAnswer, .origin = 4711})), 4711);
  EXPECT_EQ(EntryOrigin(*EntryOf({.kind = ResponseKind::kServFail,
                                  .origin = 4711,
                                  .extended_error = ExtendedErrorCode::kInvalidData})),
            0);
}

TEST(EntryReadingTest, FailureHasTheCauseThatWasNoted) {
  ResponseCache cache({}, kTestSeed);
  cache.NoteFailure(TestKey("a"), {.cause = 0x8005}, At(0));
  EXPECT_EQ(FailureCauseOf(*cache.Peek(TestKey("a")).entry), 0x8005);
}

TEST(EntryReadingTest, DenialOfTheNameStandsBehindDataAndBeforeAFailure) {
  const CacheEntryRef denial = EntryOf({.kind = ResponseKind::kNxDomain});
  EXPECT_FALSE(DenialCounts(EntryOf({.kind = ResponseKind::kAnswer}), denial, At(1)));
  EXPECT_TRUE(DenialCounts(EntryOf({.kind = ResponseKind::kServFail}), denial, At(1)));
  EXPECT_TRUE(DenialCounts(nullptr, denial, At(1)));
  EXPECT_FALSE(DenialCounts(denial, nullptr, At(1)));
}

TEST(EntryReadingTest, OfTwoStaleDenialsTheLaterOneCounts) {
  const CacheEntryRef name = EntryOf({.kind = ResponseKind::kNxDomain}, 10);
  EXPECT_TRUE(DenialCounts(EntryOf({.kind = ResponseKind::kNoData}, 9), name, At(100)));
  EXPECT_FALSE(DenialCounts(EntryOf({.kind = ResponseKind::kNoData}, 11), name, At(100)));
}

}  // namespace
}  // namespace dotcache
