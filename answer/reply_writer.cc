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
  const MutableBytes buffer = client.sink.ReserveReply(client.address);
  if (buffer.empty()) return;
  const size_t size = BuildReply(client.query, stored, options, buffer);
  Send(client, buffer, size, LoadHeader(stored.wire).header_rcode());
}

void ReplyWriter::SendCached(const Client& client, const CacheEntry& entry, MonoTime now) {
  ReplyOptions options = OptionsFor(client.address);
  options.upstream_error = entry.upstream_error();
  if (limits_.rotate) options.rotation = Spread(++cached_replies_);
  if (entry.FreshAt(now)) {
    options.age = entry.AgeAt(now);
  } else {
    options.fixed_ttl = stale_ttl_;
    options.extended_error = StaleError(entry);
    counters_.stale_answers.Add();
  }
  SendStored(client, entry.view(), options);
}

void ReplyWriter::SendFetched(const Client& client, const CacheEntry& entry) {
  ReplyOptions options = OptionsFor(client.address);
  options.upstream_error = entry.upstream_error();
  SendStored(client, entry.view(), options);
}

void ReplyWriter::SendFailure(const Client& client, FailureErrors errors) {
  ReplyOptions options = OptionsFor(client.address);
  options.upstream_error = std::move(errors.upstream);
  options.extended_error = std::move(errors.own);
  SendRcode(client, errors.rcode, options, kMaxMessageSize);
}

void ReplyWriter::SendError(const Client& client, Rcode rcode, ExtendedError error,
                            size_t max_size) {
  ReplyOptions options = OptionsFor(client.address);
  options.extended_error = std::move(error);
  SendRcode(client, rcode, options, max_size);
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
  SendRcode(client, rcode, OptionsForUnproved(client.address), kMaxMessageSize);
}

void ReplyWriter::SendRcode(const Client& client, Rcode rcode, const ReplyOptions& options,
                            size_t max_size) {
  const MutableBytes buffer = client.sink.ReserveReply(client.address);
  if (buffer.empty()) return;
  const MutableBytes out = buffer.first(std::min(buffer.size(), max_size));
  Send(client, buffer, BuildRcodeReply(client.query, rcode, options, out), rcode);
}

void ReplyWriter::SendTruncated(const Client& client) {
  const MutableBytes buffer = client.sink.ReserveReply(client.address);
  if (buffer.empty()) return;
  const size_t size = BuildTruncatedReply(client.query, OptionsForUnproved(client.address), buffer);
  Send(client, buffer, size, Rcode::kNoError);
}

bool ReplyWriter::SendRejection(Bytes message, const Rejection& rejection,
                                const ReplyAddress& address, ReplySink& sink) {
  const MutableBytes buffer = sink.ReserveReply(address);
  if (buffer.empty()) return false;
  const size_t size = BuildErrorReply(message, rejection, address.transport, buffer);
  counters_.CountResponse(rejection.rcode);
  sink.CommitReply(address, size);
  return true;
}

void ReplyWriter::Send(const Client& client, MutableBytes buffer, size_t size, Rcode rcode) {
  if (size >= kHeaderSize) {
    counters_.CountResponse(rcode);
    if (LoadHeader(buffer).Has(kFlagTc)) counters_.truncated_replies.Add();
  }
  client.sink.CommitReply(client.address, size);
}

}  // namespace dotcache
