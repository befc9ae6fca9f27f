// SPDX-License-Identifier: Apache-2.0
// The query log as lines of text.
#ifndef DOTCACHE_QUERY_LOG_QUERY_LINE_H_
#define DOTCACHE_QUERY_LOG_QUERY_LINE_H_

#include <string>

#include "core/clock.h"
#include "query_log/pseudonyms.h"
#include "query_log/query_note.h"

namespace dotcache {

// RFC 3339, UTC, with milliseconds.
std::string TimeText(Duration since_epoch);

// Appends one line about a reply, or about a query to an upstream server or its response:
//
//   2026-01-02T03:04:05.678Z client=192.0.2.1:4242 transport=udp name=example.com. type=A
//   rcode=NOERROR source=hit us=12
//   2026-01-02T03:04:05.678Z server=192.0.2.2:853 transport=dot name=example.com. type=A
//   2026-01-02T03:04:05.678Z server=192.0.2.2:853 transport=dot name=example.com. type=A
//   rcode=NOERROR us=9876
//
// `at` is the time since 1970. Name and type are "-" if the question is not known. No value has a
// space or a control character.
void AppendQueryLine(const QueryNote& note, Duration at, const Pseudonyms& pseudonyms,
                     std::string& out);

}  // namespace dotcache

#endif  // DOTCACHE_QUERY_LOG_QUERY_LINE_H_
