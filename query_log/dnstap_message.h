// SPDX-License-Identifier: Apache-2.0
// The query log as dnstap messages (dnstap.info).
#ifndef DOTCACHE_QUERY_LOG_DNSTAP_MESSAGE_H_
#define DOTCACHE_QUERY_LOG_DNSTAP_MESSAGE_H_

#include <string>

#include "core/bytes.h"
#include "core/clock.h"
#include "query_log/query_note.h"

namespace dotcache {

// Appends a `Dnstap` of dnstap.proto with a CLIENT_QUERY, CLIENT_RESPONSE, FORWARDER_QUERY or
// FORWARDER_RESPONSE: the times of query and response since 1970, address and port of the client or
// the upstream server, the transport, the server's zone, and the message.
void AppendDnstap(const QueryNote& note, Bytes message, Duration epoch_at_boot, std::string& out);

}  // namespace dotcache

#endif  // DOTCACHE_QUERY_LOG_DNSTAP_MESSAGE_H_
