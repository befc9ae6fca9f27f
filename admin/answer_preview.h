// SPDX-License-Identifier: Apache-2.0
// What a query would get now, and why, in sentences.
#ifndef DOTCACHE_ADMIN_ANSWER_PREVIEW_H_
#define DOTCACHE_ADMIN_ANSWER_PREVIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cache/cache_entry.h"
#include "core/clock.h"
#include "dns/question.h"

namespace dotcache {

class Server;

struct AnswerPreview {
  // Where the answer comes from: "local records", "local zone", "this server", "cache", "stale
  // data", "remembered failure", "upstream".
  absl::string_view from;
  std::vector<std::string> why;  // Sentences, in the order of the steps of a query.
};

// Takes the steps of QueryHandler for a query with this question, with RD, and with `flags` as in
// CacheKey::flags(), except those that depend on the client. Counts no hit and starts no refresh.
// Any thread may call it.
AnswerPreview PreviewAnswer(const Server& server, const Question& question, uint8_t flags,
                            MonoTime now);

// The provider that sent the entry's message. Two names with "or" if their tags are equal. Empty:
// not known, or no longer configured.
std::string OriginOf(const Server& server, const CacheEntry& entry);

// The state of an entry: "fresh", "stale", "expired", "failure", "expired failure".
absl::string_view EntryStateName(const CacheEntry& entry, MonoTime now, Seconds stale_max_age);

// The kind of an entry: "answer", "nodata", "nxdomain", "failure", "other".
absl::string_view EntryKindName(ResponseKind kind);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_ANSWER_PREVIEW_H_
