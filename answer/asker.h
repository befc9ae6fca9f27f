// SPDX-License-Identifier: Apache-2.0
// For whom an exchange begins.
#ifndef DOTCACHE_ANSWER_ASKER_H_
#define DOTCACHE_ANSWER_ASKER_H_

#include <cstdint>

#include "absl/hash/hash.h"
#include "dns/outgoing_query.h"
#include "net/client_key.h"
#include "query_log/note_queue.h"

namespace dotcache {

// The client that caused an exchange, as in UpstreamQuery. A value.
struct Asker {
  uint64_t client = 0;
  bool observed = false;

  // For a query of this client. Its exchange is logged if the query is. `log` may be null.
  static Asker Of(const Endpoint& client, MonoTime received_at, const NoteQueue* log) {
    return {absl::HashOf(ClientKey(client)), IsLogged(client, received_at, log)};
  }
  // For no client, as in a prefetch.
  static Asker None(MonoTime now, const NoteQueue* log) {
    return {.observed = IsLogged(Endpoint(), now, log)};
  }

  UpstreamQuery QueryFor(const Question& question, bool dnssec_ok, bool checking_disabled) const {
    return {question, dnssec_ok, checking_disabled, client, EdnsUse::kFull, observed};
  }

 private:
  static bool IsLogged(const Endpoint& client, MonoTime at, const NoteQueue* log) {
    return log != nullptr && log->wants_upstream() && log->IsSampled(client, at);
  }
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_ASKER_H_
