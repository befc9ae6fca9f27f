// SPDX-License-Identifier: Apache-2.0
// Writes replies to clients.
#ifndef DOTCACHE_ANSWER_REPLY_WRITER_H_
#define DOTCACHE_ANSWER_REPLY_WRITER_H_

#include "absl/strings/string_view.h"
#include "answer/extended_errors.h"
#include "answer/reply_sink.h"
#include "answer/server_limits.h"
#include "answer/worker_counters.h"
#include "answer/zone_names.h"
#include "cache/cache_entry.h"
#include "dns/query.h"
#include "dns/reply.h"
#include "query_log/note_queue.h"

namespace dotcache {

// One query, its client and the sink for its reply. Its references are valid only during a call.
struct Client {
  const Query& query;
  const ReplyAddress& address;
  ReplySink& sink;
  MonoTime received_at = MonoTime();  // When the query arrived.
};

// Builds replies in the sink's buffer, counts them and sends them. A client that is gone gets no
// reply. Bound to its loop's thread. `counters`, `limits` and the text of `identity` must outlive
// this object.
class ReplyWriter {
 public:
  // `identity` is the text of NSID. If empty, replies carry no NSID.
  ReplyWriter(WorkerCounters& counters, const ServerLimits& limits, Seconds stale_ttl,
              absl::string_view identity = {})
      : counters_(counters), limits_(limits), stale_ttl_(stale_ttl), identity_(identity) {}

  // Notes every reply from now on.
  void UseQueryLog(NoteQueue* query_log) { query_log_ = query_log; }
  // The zones with servers of their own, or null. They outlive their use.
  void UseZones(const ZoneNames* zones) { zones_ = zones; }

  // Uses another TTL of stale data, and another text of NSID, from now on.
  void Use(Seconds stale_ttl, absl::string_view identity) {
    stale_ttl_ = stale_ttl;
    identity_ = identity;
  }

  // Returns the options that are the same for every reply to this client.
  ReplyOptions OptionsFor(const ReplyAddress& address) const;

  // Sends a stored message of this server itself, adapted to the query.
  void SendStored(const Client& client, const StoredView& stored, const ReplyOptions& options);

  // Sends a cached entry. Fresh data has its age subtracted from its TTLs. Stale data has
  // `stale_ttl` as its TTL and is marked by an extended error (RFC 8767 section 4, RFC 8914
  // sections 4.4 and 4.20). If `limits.rotate` is set, the addresses are rotated.
  void SendCached(const Client& client, const CacheEntry& entry, MonoTime now);

  // Sends an RCODE without records and with an extended error (RFC 8914). The extended error is
  // left out if the reply would have more than `max_size` octets.
  void SendError(const Client& client, Rcode rcode, ExtendedError error,
                 size_t max_size = kMaxMessageSize);

  // Sends the response of an exchange. Its age is 0.
  void SendFetched(const Client& client, const CacheEntry& entry, const ReplyOrigin& origin);

  // Sends the RCODE of a failure, with its extended errors.
  void SendFailure(const Client& client, FailureErrors errors);

  // Answers a query whose exchange failed, or did not begin: with `data`, or with the
  // failure if that is null.
  void SendAfterFailure(const Client& client, const CacheEntryRef& data, MonoTime now,
                        const FailureErrors& errors);

  // Sends an RCODE without records and without NSID. Like SendTruncated(), for clients whose
  // address may be spoofed: over UDP the reply is no longer than the query, except for its cookie.
  void SendRcode(const Client& client, Rcode rcode);

  // Sends a reply without records and with TC set, so that the client retries over TCP.
  void SendTruncated(const Client& client);

  // Sends the error reply to a message that is not served. Returns false if there is none.
  bool SendRejection(Bytes message, const Rejection& rejection, const ReplyAddress& address,
                     ReplySink& sink, MonoTime received_at = MonoTime());

 private:
  ReplyOptions OptionsForUnproved(const ReplyAddress& address) const;
  static constexpr ReplyOrigin kRefused{ReplySource::kRefused};
  // Returns false if the client is gone.
  bool SendRcode(const ReplyOrigin& origin, const Client& client, Rcode rcode,
                 const ReplyOptions& options, size_t max_size);
  void SendFrom(const ReplyOrigin& origin, const Client& client, const StoredView& stored,
                const ReplyOptions& options);
  void Send(const ReplyOrigin& origin, const Client& client, Bytes reply, Rcode rcode);

  WorkerCounters& counters_;
  const ServerLimits& limits_;
  Seconds stale_ttl_;
  absl::string_view identity_;
  uint32_t cached_replies_ = 0;
  NoteQueue* query_log_ = nullptr;  // Null if it is off.
  const ZoneNames* zones_ = nullptr;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_REPLY_WRITER_H_
