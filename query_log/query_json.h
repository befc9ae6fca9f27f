// SPDX-License-Identifier: Apache-2.0
// The query log as JSON.
#ifndef DOTCACHE_QUERY_LOG_QUERY_JSON_H_
#define DOTCACHE_QUERY_LOG_QUERY_JSON_H_

#include <string>

#include "core/clock.h"
#include "query_log/pseudonyms.h"
#include "query_log/query_note.h"

namespace dotcache {

// Appends one line with one object. It has the fields of a line of text (AppendQueryLine()), and
// "event": "reply", "upstream-query" or "upstream-response". "us" is a number. "name" and "type"
// are absent if the question is not known. `at` is the time since 1970.
void AppendQueryJson(const QueryNote& note, Duration at, const Pseudonyms& pseudonyms,
                     std::string& out);

}  // namespace dotcache

#endif  // DOTCACHE_QUERY_LOG_QUERY_JSON_H_
