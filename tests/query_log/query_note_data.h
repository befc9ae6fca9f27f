// SPDX-License-Identifier: Apache-2.0
// Notes for the tests of the query log.
#ifndef DOTCACHE_TESTS_QUERY_LOG_QUERY_NOTE_DATA_H_
#define DOTCACHE_TESTS_QUERY_LOG_QUERY_NOTE_DATA_H_

#include "query_log/query_note.h"

namespace dotcache {

// A note about a query that arrived at this time.
inline QueryNote NoteAt(Duration arrival, bool is_reply = true) {
  QueryNote note;
  if (is_reply) note.kind = NoteKind::kClientReply;
  note.qtype = QType::kA;
  note.peer = *Endpoint::Parse("192.0.2.1:4242");
  note.begun = MonoTime(arrival);
  return note;
}

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_QUERY_LOG_QUERY_NOTE_DATA_H_
