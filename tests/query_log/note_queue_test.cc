// SPDX-License-Identifier: Apache-2.0
#include "query_log/note_queue.h"

#include <vector>

#include "gtest/gtest.h"
#include "tests/query_log/query_note_data.h"

namespace dotcache {
namespace {

size_t Count(NoteQueue& queue) {
  std::vector<QueuedNote> notes;
  queue.Take(notes);
  return notes.size();
}

TEST(NoteQueueTest, AFullQueueDropsAndCounts) {
  NoteQueue queue(1, /*with_messages=*/false);
  for (size_t i = 0; i < NoteQueue::kMaxNotes + 3; ++i) queue.Add(NoteAt(Seconds{1}), {});
  EXPECT_EQ(queue.drops(), 3u);
  EXPECT_EQ(Count(queue), NoteQueue::kMaxNotes);
  queue.Add(NoteAt(Seconds{1}), {});
  EXPECT_EQ(queue.drops(), 3u);
  EXPECT_EQ(Count(queue), 1u);
}

TEST(NoteQueueTest, LargeMessagesAreLimitedByTheirOctets) {
  NoteQueue queue(1, /*with_messages=*/true);
  const WireMessage message(65535);
  const size_t fitting = NoteQueue::kMaxOctets / message.size();
  for (size_t i = 0; i < fitting + 2; ++i) queue.Add(NoteAt(Seconds{1}), message);
  EXPECT_EQ(queue.drops(), 2u);
  EXPECT_EQ(Count(queue), fitting);
  queue.Add(NoteAt(Seconds{1}), message);
  EXPECT_EQ(Count(queue), 1u);
}

TEST(NoteQueueTest, OneInNIsSampledAndAReplyAsItsQuery) {
  NoteQueue queue(10, /*with_messages=*/true);
  size_t sampled = 0;
  for (int i = 0; i < 10'000; ++i) {
    queue.Add(NoteAt(Duration{i}, /*is_reply=*/false), {});
    const size_t queries = Count(queue);
    queue.Add(NoteAt(Duration{i}), {});
    EXPECT_EQ(Count(queue), queries) << i;
    sampled += queries;
  }
  EXPECT_GT(sampled, 800u);
  EXPECT_LT(sampled, 1200u);
}

// Their exchange was sampled when it began.
TEST(NoteQueueTest, NotesAboutUpstreamServersAreNotSampledAgain) {
  NoteQueue queue(1000, /*with_messages=*/true, /*upstream=*/true);
  QueryNote note = NoteAt(Seconds{1});
  note.kind = NoteKind::kUpstreamQuery;
  for (int i = 0; i < 100; ++i) queue.Add(note, {});
  EXPECT_EQ(Count(queue), 100u);
}

TEST(NoteQueueTest, MessagesAreKeptForDnstapOnly) {
  const uint8_t message[] = {1, 2, 3};
  for (const bool with_messages : {false, true}) {
    NoteQueue queue(1, with_messages);
    queue.Add(NoteAt(Seconds{1}), message);
    std::vector<QueuedNote> notes;
    queue.Take(notes);
    ASSERT_EQ(notes.size(), 1u);
    EXPECT_EQ(notes[0].message.size(), with_messages ? 3u : 0u);
  }
}

}  // namespace
}  // namespace dotcache
