// SPDX-License-Identifier: Apache-2.0
#include "query_log/query_note.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(QueryNoteTest, ANoteHasTheTimeOfItsMessage) {
  QueryNote note;
  note.begun = MonoTime(Seconds{1});
  note.ended = MonoTime(Seconds{3});
  for (const NoteKind kind : {NoteKind::kClientQuery, NoteKind::kUpstreamQuery}) {
    note.kind = kind;
    EXPECT_FALSE(note.is_reply());
    EXPECT_EQ(note.at(), note.begun);
  }
  for (const NoteKind kind : {NoteKind::kClientReply, NoteKind::kUpstreamResponse}) {
    note.kind = kind;
    EXPECT_TRUE(note.is_reply());
    EXPECT_EQ(note.at(), note.ended);
    EXPECT_EQ(note.elapsed_us(), 2'000'000);
  }
}

// A query's time is the start of a turn of the loop, which may be later than the reply's clock.
TEST(QueryNoteTest, NoTimeIsNegative) {
  QueryNote note;
  note.begun = MonoTime(Seconds{3});
  note.ended = MonoTime(Seconds{1});
  EXPECT_EQ(note.elapsed_us(), 0);
}

}  // namespace
}  // namespace dotcache
