// SPDX-License-Identifier: Apache-2.0
// Writes replies to clients.
#ifndef DOTCACHE_SERVER_REPLY_WRITER_H_
#define DOTCACHE_SERVER_REPLY_WRITER_H_

#include "absl/strings/string_view.h"
#include "cache/cache_entry.h"
#include "dns/query.h"
#include "dns/reply.h"
#include "server/reply_sink.h"
#include "server/server_options.h"
#include "server/worker_counters.h"

namespace dotcache {

// The client of one query: what was asked, by whom, and the way back. A view for the length of a
// call.
struct Client {
  const Query& query;
  const ReplyAddress& address;
  ReplySink& sink;
};

// Builds a reply in the sink's buffer, counts it and sends it. A client that is gone gets none.
// Bound to its loop's thread; counters, limits and the identity's text outlive it.
class ReplyWriter {
 public:
  // `identity` goes to who asks for it by NSID; empty: none.
  ReplyWriter(WorkerCounters& counters, const ServerLimits& limits, Seconds stale_ttl,
              absl::string_view identity = {})
      : counters_(counters), limits_(limits), stale_ttl_(stale_ttl), identity_(identity) {}

  // What every reply to this client has in common.
  ReplyOptions OptionsFor(const ReplyAddress& address) const;

  // A stored message, patched for the query.
  void SendStored(const Client& client, const StoredView& stored, const ReplyOptions& options);

  // What the cache holds: with its age taken off its TTLs; or marked as stale, with a TTL of its
  // own (RFC 8767 section 4, RFC 8914 sections 4.4 and 4.20).
  void SendCached(const Client& client, const CacheEntry& entry, MonoTime now);

  // An RCODE without records, with an extended error (RFC 8914), which gives way where the reply
  // would have more than `max_size` octets.
  void SendError(const Client& client, Rcode rcode, ExtendedError error,
                 size_t max_size = kMaxMessageSize);

  // An RCODE alone. Like SendTruncated() for clients whose address may be forged: over UDP no
  // longer than the query but for the reply's cookie, so without NSID.
  void SendRcode(const Client& client, Rcode rcode);

  // TC set, no records: the client is to come back over TCP.
  void SendTruncated(const Client& client);

  // The error reply to a message that is not served. Returns false when there is none.
  bool SendRejection(Bytes message, const Rejection& rejection, const ReplyAddress& address,
                     ReplySink& sink);

 private:
  ReplyOptions OptionsForUnproved(const ReplyAddress& address) const;
  void SendRcode(const Client& client, Rcode rcode, const ReplyOptions& options, size_t max_size);
  void Send(const Client& client, MutableBytes buffer, size_t size, Rcode rcode);

  WorkerCounters& counters_;
  const ServerLimits& limits_;
  const Seconds stale_ttl_;
  const absl::string_view identity_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_REPLY_WRITER_H_
