// SPDX-License-Identifier: Apache-2.0
#include "cache/cache_entry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include "tests/cache/cache_test_data.h"

namespace dotcache {
namespace {

const MonoTime kStored{Seconds{100}};

StoredMessage Message(size_t size) {
  StoredMessage message;
  for (size_t i = 0; i < size; ++i) message.wire.push_back(static_cast<uint8_t>(i));
  message.ttl_offsets = {20, 40, 60};
  return message;
}

CacheEntryRef Entry(const StoredMessage& message) {
  return MakeCacheEntry(message, {.kind = ResponseKind::kNxDomain}, kStored, Seconds{30});
}

TEST(CacheEntryTest, HoldsACopyOfTheMessageAndItsOffsets) {
  StoredMessage message = Message(90);
  const CacheEntryRef entry = Entry(message);
  EXPECT_EQ(entry->view().wire, Bytes(message.wire));
  EXPECT_EQ(entry->view().ttl_offsets, absl::MakeConstSpan(message.ttl_offsets));
  message.wire[0] ^= 1;
  EXPECT_NE(entry->view().wire, Bytes(message.wire));
  EXPECT_EQ(entry->kind, ResponseKind::kNxDomain);
  EXPECT_FALSE(entry->upstream_error().has_value());
  EXPECT_EQ(entry->expires_at(), kStored + Seconds{30});
}

TEST(CacheEntryTest, HoldsTheLargestMessage) {
  const StoredMessage message = Message(kMaxMessageSize);
  EXPECT_EQ(Entry(message)->view().wire, Bytes(message.wire));
}

TEST(CacheEntryTest, HoldsAnEmptyMessage) {
  const CacheEntryRef entry = Entry(StoredMessage{});
  EXPECT_TRUE(entry->view().wire.empty());
  EXPECT_TRUE(entry->view().ttl_offsets.empty());
}

TEST(CacheEntryTest, AgeIsInWholeSeconds) {
  const CacheEntryRef entry = Entry(Message(40));
  EXPECT_EQ(entry->AgeAt(kStored), Seconds{0});
  EXPECT_EQ(entry->AgeAt(kStored + Milliseconds{1999}), Seconds{1});
  EXPECT_EQ(entry->AgeAt(kStored + Seconds{2}), Seconds{2});
}

TEST(CacheEntryTest, IsFreshUntilItExpires) {
  const CacheEntryRef entry = Entry(Message(40));
  EXPECT_TRUE(entry->FreshAt(kStored + Seconds{30} - Duration{1}));
  EXPECT_FALSE(entry->FreshAt(kStored + Seconds{30}));
}

TEST(CacheEntryTest, TimesOutOfRangeAreBounded) {
  const auto expires_after = [](Seconds fresh_for) {
    return MakeCacheEntry(Message(40), EntryFacts{}, kStored, fresh_for)->expires_at() - kStored;
  };
  EXPECT_EQ(expires_after(Seconds{-1}), Seconds{0});
  EXPECT_EQ(expires_after(Seconds{int64_t{1} << 40}), kMaxFreshFor);
}

TEST(CacheEntryTest, TheLastReferenceFreesTheEntry) {
  CacheEntryRef first = Entry(Message(40));
  CacheEntryRef second = first;
  EXPECT_EQ(first, second);
  first = nullptr;
  EXPECT_EQ(first, nullptr);
  EXPECT_EQ(second->view().wire.size(), 40u);
  CacheEntryRef third = std::move(second);
  third = CacheEntryRef(third);
  EXPECT_EQ(third->view().wire.size(), 40u);
}

TEST(CacheEntryTest, ReferencesMayEndOnAnyThread) {
  CacheEntryRef entry = Entry(Message(40));
  std::thread other([copy = entry] { EXPECT_EQ(copy->view().wire.size(), 40u); });
  entry = nullptr;
  other.join();
}

TEST(CacheEntryTest, ASmallAnswerTakes128Octets) {
  StoredMessage message = Message(62);
  message.ttl_offsets.resize(1);
  EXPECT_EQ(Entry(message)->charge(), 128u);
}

TEST(CacheEntryTest, KeepsTheExtendedErrorOfTheUpstreamServer) {
  const StoredMessage message = TestMessage(TestKey("www"), 62);
  const auto charge = MakeCacheEntry(message, {}, At(0), Seconds{60})->charge();
  for (const size_t size : {size_t{0}, size_t{5}, size_t{128}, size_t{500}}) {
    const ExtendedError error = {ExtendedErrorCode{15}, std::string(size, 'x')};
    const auto entry = MakeCacheEntry(message, {.upstream_error = error}, At(0), Seconds{60});
    ASSERT_TRUE(entry->upstream_error().has_value());
    EXPECT_EQ(entry->upstream_error()->code, ExtendedErrorCode{15});
    EXPECT_EQ(entry->upstream_error()->text, std::string(std::min<size_t>(size, 128), 'x'));
    EXPECT_EQ(entry->view().wire, Bytes(message.wire));
    EXPECT_GE(entry->charge() + 15, charge + 2 + std::min<size_t>(size, 128));
  }
}

}  // namespace
}  // namespace dotcache
