// SPDX-License-Identifier: Apache-2.0
#include "answer/reply_writer.h"

#include <algorithm>
#include <utility>

#include "answer/extended_errors.h"
#include "dns/error_reply.h"
#include "dns/message_header.h"

namespace dotcache {
namespace {

// Spreads the numbers of the replies over 32 bits, without a pattern. A name that is queried in
// turn with others still gets each of its addresses first.
uint32_t Spread(uint32_t number) {
  number = (number ^ (number >> 16)) * 0x7feb352d;
  number = (number ^ (number >> 15)) * 0x846ca68b;
  return number ^ (number >> 16);
}

}  // namespace

ReplyOptions ReplyWriter::OptionsFor(const ReplyAddress& address) const {
  ReplyOptions options;
  options.transport = address.transport;
  options.max_udp_payload_size = limits_.max_udp_payload_size;
  options.nsid = identity_;
  if (address.transport != Transport::kUdp) {
    // RFC 7828 section 3.1: units of 100 ms.
    options.keepalive_timeout_100ms =
        static_cast<uint16_t>(limits_.stream_idle_timeout.count() / 100);
  }
  return options;
}

ReplyOptions ReplyWriter::OptionsForUnproved(const ReplyAddress& address) const {
  ReplyOptions options = OptionsFor(address);
  options.nsid = {};
  return options;
}

void ReplyWriter::SendStored(const Client& client, const StoredView& stored,
                             const ReplyOptions& options) {
  SendFrom({ReplySource::kLocal}, client, stored, options);
}

void ReplyWriter::SendFrom(const ReplyOrigin& origin, const Client& client,
                           const StoredView& stored, const ReplyOptions& options) {
  const MutableBytes buffer = client.sink.ReserveReply(client.address);
  if (buffer.empty()) return;
  const size_t size = BuildReply(client.query, stored, options, buffer);
  Send(origin, client, buffer.first(size), LoadHeader(stored.wire).header_rcode());
}

void ReplyWriter::SendCached(const Client& client, const CacheEntry& entry, MonoTime now) {
  ReplyOptions options = OptionsFor(client.address);
  options.upstream_error = entry.upstream_error();
  if (limits_.rotate) options.rotation = Spread(++cached_replies_);
  const bool is_fresh = entry.FreshAt(now);
  if (is_fresh) {
    options.age = entry.AgeAt(now);
  } else {
    options.fixed_ttl = stale_ttl_;
    options.extended_error = StaleError(entry);
    counters_.stale_answers.Add();
  }
  const bool private_zone = zones_ != nullptr && zones_->ZoneOf(client.query.question) != 0;
  SendFrom({is_fresh ? ReplySource::kHit : ReplySource::kStale, private_zone}, client, entry.view(),
           options);
}

void ReplyWriter::SendFetched(const Client& client, const CacheEntry& entry,
                              const ReplyOrigin& origin) {
  ReplyOptions options = OptionsFor(client.address);
  options.upstream_error = entry.upstream_error();
  SendFrom(origin, client, entry.view(), options);
}

void ReplyWriter::SendFailure(const Client& client, FailureErrors errors) {
  ReplyOptions options = OptionsFor(client.address);
  options.upstream_error = std::move(errors.upstream);
  options.extended_error = std::move(errors.own);
  const bool sent = SendRcode(errors.origin, client, errors.rcode, options, kMaxMessageSize);
  if (!sent || errors.rcode != Rcode::kServFail) return;
  counters_.servfail[static_cast<size_t>(errors.counted_as)].Add();
}

void ReplyWriter::SendError(const Client& client, Rcode rcode, ExtendedError error,
                            size_t max_size) {
  ReplyOptions options = OptionsFor(client.address);
  options.extended_error = std::move(error);
  SendRcode(kRefused, client, rcode, options, max_size);
}

void ReplyWriter::SendAfterFailure(const Client& client, const CacheEntryRef& data, MonoTime now,
                                   const FailureErrors& errors) {
  if (data) {
    SendCached(client, *data, now);
  } else {
    SendFailure(client, errors);
  }
}

void ReplyWriter::SendRcode(const Client& client, Rcode rcode) {
  SendRcode(kRefused, client, rcode, OptionsForUnproved(client.address), kMaxMessageSize);
}

bool ReplyWriter::SendRcode(const ReplyOrigin& origin, const Client& client, Rcode rcode,
                            const ReplyOptions& options, size_t max_size) {
  const MutableBytes buffer = client.sink.ReserveReply(client.address);
  if (buffer.empty()) return false;
  const MutableBytes out = buffer.first(std::min(buffer.size(), max_size));
  const size_t size = BuildRcodeReply(client.query, rcode, options, out);
  Send(origin, client, buffer.first(size), rcode);
  return true;
}

void ReplyWriter::SendTruncated(const Client& client) {
  const MutableBytes buffer = client.sink.ReserveReply(client.address);
  if (buffer.empty()) return;
  const size_t size = BuildTruncatedReply(client.query, OptionsForUnproved(client.address), buffer);
  Send(kRefused, client, buffer.first(size), Rcode::kNoError);
}

bool ReplyWriter::SendRejection(Bytes message, const Rejection& rejection,
                                const ReplyAddress& address, ReplySink& sink,
                                MonoTime received_at) {
  const MutableBytes buffer = sink.ReserveReply(address);
  if (buffer.empty()) return false;
  const size_t size = BuildErrorReply(message, rejection, address.transport, buffer);
  counters_.CountReply(kRefused, address.transport, rejection.rcode, size);
  if (query_log_ != nullptr) [[unlikely]] {
    query_log_->AddReply({.kind = NoteKind::kClientReply,
                          .transport = address.transport,
                          .source = ReplySource::kRefused,
                          .rcode = rejection.rcode,
                          .peer = address.client,
                          .begun = received_at},
                         buffer.first(size));
  }
  sink.CommitReply(address, size);
  return true;
}

void ReplyWriter::Send(const ReplyOrigin& origin, const Client& client, Bytes reply, Rcode rcode) {
  if (reply.size() >= kHeaderSize) {
    counters_.CountReply(origin, client.address.transport, rcode, reply.size());
    if (LoadHeader(reply).Has(kFlagTc)) counters_.truncated_replies.Add();
    if (query_log_ != nullptr) [[unlikely]] {
      const Question& question = client.query.question;
      query_log_->AddReply({.kind = NoteKind::kClientReply,
                            .transport = client.address.transport,
                            .source = origin.source,
                            .rcode = rcode,
                            .qtype = question.qtype,
                            .peer = client.address.client,
                            .begun = client.received_at,
                            .name = client.query.qname},
                           reply);
    }
  }
  client.sink.CommitReply(client.address, reply.size());
}

}  // namespace dotcache
