// SPDX-License-Identifier: Apache-2.0
#include "dns/reply.h"

#include <algorithm>
#include <cstring>

#include "dns/message_header.h"
#include "dns/message_writer.h"

namespace dotcache {
namespace {

constexpr int kExtendedRcodeShift = 4;  // RFC 6891 section 6.1.3.
constexpr size_t kAncountOffset = 6;    // Offsets in the header.
constexpr size_t kNscountOffset = 8;
constexpr size_t kArcountOffset = 10;
constexpr size_t kTypeBeforeTtl = 4;   // From the TTL of a record back to its type.
constexpr size_t kRdataBehindTtl = 6;  // From the TTL of a record on to its RDATA.

// True for errors that concern the message or the client. Nothing was resolved, so flags about
// resolution (RA, CD) have no meaning.
bool IsAboutMessage(Rcode rcode) {
  return rcode == Rcode::kFormErr || rcode == Rcode::kNotImp || rcode == Rcode::kRefused ||
         rcode == Rcode::kNotAuth || rcode == Rcode::kBadVers;
}

// The flags of a reply to the query: never AA, and RA except for such errors.
uint16_t ReplyFlags(const Query& query, Rcode rcode = Rcode::kNoError) {
  if (IsAboutMessage(rcode)) {
    return static_cast<uint16_t>(kFlagQr | (query.recursion_desired ? kFlagRd : 0));
  }
  return static_cast<uint16_t>(kFlagQr | kFlagRa | (query.recursion_desired ? kFlagRd : 0) |
                               (query.checking_disabled ? kFlagCd : 0));
}

// True when the client requests AD, by AD or DO in its query (RFC 6840 section 5.8).
bool WantsAd(const Query& query) { return query.authentic_data || query.edns.dnssec_ok; }

bool SendsKeepalive(const Query& query, const ReplyOptions& options) {
  return options.transport != Transport::kUdp && query.edns.has_keepalive &&
         options.keepalive_timeout_100ms.has_value();
}

bool SendsNsid(const Query& query, const ReplyOptions& options) {
  return query.edns.has_nsid && !options.nsid.empty();
}

// Padding is only sent on encrypted transports, to clients that pad too (RFC 7830 section 4).
bool SendsPadding(const Query& query, const ReplyOptions& options) {
  return options.transport == Transport::kDot && query.edns.has_padding;
}

OptToWrite OptFor(const Query& query, const ReplyOptions& options, Rcode rcode) {
  OptToWrite opt;
  opt.extended_rcode = static_cast<uint8_t>(static_cast<uint16_t>(rcode) >> kExtendedRcodeShift);
  opt.dnssec_ok = query.edns.dnssec_ok;
  opt.upstream_error = options.upstream_error;
  opt.extended_error = options.extended_error;
  opt.cookie = query.reply_cookie;
  if (SendsNsid(query, options)) opt.nsid = options.nsid;
  opt.keepalive = SendsKeepalive(query, options);
  opt.keepalive_timeout_100ms = options.keepalive_timeout_100ms;
  opt.padding_block = SendsPadding(query, options) ? kResponsePaddingBlock : 0;
  return opt;
}

// False for most replies: their OPT has no options.
bool SendsOptions(const Query& query, const ReplyOptions& options) {
  return options.upstream_error.has_value() || options.extended_error.has_value() ||
         query.reply_cookie.has_value() || SendsNsid(query, options) ||
         SendsKeepalive(query, options) || SendsPadding(query, options);
}

// Octets to reserve for the OPT record. Records are left out to make room for it.
size_t OptSizeOf(const Query& query, const ReplyOptions& options, bool has_options) {
  if (!query.edns.present) return 0;
  if (!has_options) return kOptFixedSize;
  return kOptFixedSize + RequiredOptionsSize(OptFor(query, options, Rcode::kNoError));
}

// An RCODE above 15 needs an OPT. A reply without OPT has SERVFAIL instead.
Rcode ExpressibleRcode(Rcode rcode, bool has_edns) {
  return has_edns || static_cast<uint16_t>(rcode) <= kRcodeMask ? rcode : Rcode::kServFail;
}

// Writes a reply of header, question and OPT.
size_t WriteWithoutRecords(const Query& query, uint16_t flags, Rcode rcode,
                           const ReplyOptions& options, MutableBytes out) {
  const size_t question_size = query.has_question ? query.question.wire_size() : 0;
  if (out.size() < kHeaderSize + question_size) return 0;
  rcode = ExpressibleRcode(rcode, query.edns.present);
  MessageHeader header;
  header.id = query.id;
  header.flags = static_cast<uint16_t>(ReplyFlags(query, rcode) | flags |
                                       (static_cast<int>(rcode) & kRcodeMask));
  MessageWriter writer(out, header);
  if (query.has_question) {
    writer.AddQuestion(query.qname, query.question.qtype, query.question.qclass);
  }
  if (query.edns.present) {
    writer.AddOpt(OptFor(query, options, rcode), MaxReplySize(query, options));
  }
  return writer.size();
}

// Appends an OPT record without options. Most replies have such an OPT. AppendOpt() could write it
// too, but would take as long as the rest of the reply.
size_t AppendBareOpt(bool dnssec_ok, size_t size, uint8_t* message) {
  uint8_t* opt = message + size;
  std::memset(opt, 0, kOptFixedSize);
  StoreU16(opt + 1, static_cast<uint16_t>(QType::kOpt));
  StoreU16(opt + 3, kOurUdpPayloadSize);
  StoreU16(opt + 7, dnssec_ok ? kEdnsFlagDo : uint16_t{0});
  StoreU16(message + kArcountOffset, static_cast<uint16_t>(LoadU16(message + kArcountOffset) + 1));
  return size + kOptFixedSize;
}

// The part of a stored message, from its start, that a reply contains.
struct StoredPart {
  size_t size = 0;
  size_t record_count = 0;
  uint16_t ancount = 0;
  uint16_t nscount = 0;
  uint16_t arcount = 0;
  bool truncated = false;
};

// The end of the record with this index.
size_t RecordEnd(const StoredView& stored, size_t index) {
  const size_t rdata_at = stored.ttl_offsets[index] + kRdataBehindTtl;
  return rdata_at + LoadU16(&stored.wire[rdata_at - 2]);
}

// The first records of the answer section, as many as fit into `max_size`. nullopt when none fits.
std::optional<StoredPart> AnswersThatFit(const StoredView& stored, uint16_t ancount,
                                         size_t max_size) {
  StoredPart part{.truncated = true};
  for (; part.ancount < ancount; ++part.ancount) {
    const size_t end = RecordEnd(stored, part.ancount);
    if (end > max_size) break;
    part.size = end;
  }
  part.record_count = part.ancount;
  return part.ancount > 0 ? std::make_optional(part) : std::nullopt;
}

// The largest part of `stored` that fits into `max_size`: the whole message, or the message without
// its additional section. Leaving out additional records does not set TC (RFC 2181 section 9). With
// `cut_answer` it can also be the first records of the answer. nullopt when no part fits.
std::optional<StoredPart> PartThatFits(const StoredView& stored, size_t max_size, bool cut_answer) {
  const MessageHeader header = LoadHeader(stored.wire);
  const size_t required = size_t{header.ancount} + header.nscount;
  if (stored.wire.size() <= max_size) {
    return StoredPart{.size = stored.wire.size(),
                      .record_count = stored.ttl_offsets.size(),
                      .ancount = header.ancount,
                      .nscount = header.nscount,
                      .arcount = header.arcount};
  }
  if (required == 0 || stored.ttl_offsets.size() != required + header.arcount) return std::nullopt;
  const size_t end = RecordEnd(stored, required - 1);
  if (end <= max_size) {
    return StoredPart{.size = end,
                      .record_count = required,
                      .ancount = header.ancount,
                      .nscount = header.nscount};
  }
  return cut_answer ? AnswersThatFit(stored, header.ancount, max_size) : std::nullopt;
}

// The RDATA of consecutive records of the same size.
struct Addresses {
  absl::Span<const uint16_t> ttl_offsets;
  const uint8_t* stored;
};

// Writes the first `count` of the addresses, beginning with the one at `from`.
template <size_t kSize>
void CopyRotated(const Addresses addresses, size_t from, size_t count, uint8_t* message) {
  for (size_t to = 0; to < count; ++to) {
    std::memcpy(message + addresses.ttl_offsets[to] + kRdataBehindTtl,
                addresses.stored + addresses.ttl_offsets[from] + kRdataBehindTtl, kSize);
    ++from;
    from = from == addresses.ttl_offsets.size() ? 0 : from;
  }
}

// Returns the A or AAAA records of the answer. They are consecutive, because the answer is in the
// order of the chain.
Addresses AddressesOf(const StoredView& stored, QType qtype) {
  const uint8_t* const wire = stored.wire.data();
  const auto offsets = stored.ttl_offsets.first(LoadU16(wire + kAncountOffset));
  const auto is_address = [wire, qtype](uint16_t offset) {
    return LoadU16(wire + offset - kTypeBeforeTtl) == static_cast<uint16_t>(qtype);
  };
  const auto first = std::find_if(offsets.begin(), offsets.end(), is_address);
  const auto end = std::find_if_not(first, offsets.end(), is_address);
  return {offsets.subspan(first - offsets.begin(), end - first), wire};
}

// Rotates the addresses of an A or AAAA reply.
void RotateAddresses(const StoredView& stored, QType qtype, const StoredPart& part,
                     uint32_t rotation, uint8_t* message) {
  if (qtype != QType::kA && qtype != QType::kAaaa) return;
  const Addresses addresses = AddressesOf(stored, qtype);
  const size_t count = addresses.ttl_offsets.size();
  if (count < 2) return;
  const size_t before = addresses.ttl_offsets.data() - stored.ttl_offsets.data();
  if (part.ancount <= before) return;
  // A fraction of `count`, so that every stride through the rotations meets all addresses.
  const size_t from = (uint64_t{rotation} * count) >> 32;
  const size_t kept = std::min(count, part.ancount - before);
  if (qtype == QType::kA) {
    CopyRotated<4>(addresses, from, kept, message);
  } else {
    CopyRotated<16>(addresses, from, kept, message);
  }
}

// Sets each TTL to its value minus the age, or to the fixed value.
void PatchTtls(absl::Span<const uint16_t> offsets, const ReplyOptions& options, uint8_t* message) {
  if (options.fixed_ttl.has_value()) {
    const uint32_t ttl = static_cast<uint32_t>(options.fixed_ttl->count());
    for (const uint16_t offset : offsets) StoreU32(message + offset, ttl);
    return;
  }
  if (options.age.count() <= 0) return;
  const uint32_t age = static_cast<uint32_t>(std::min<int64_t>(options.age.count(), UINT32_MAX));
  for (const uint16_t offset : offsets) {
    const uint32_t ttl = LoadU32(message + offset);
    StoreU32(message + offset, ttl > age ? ttl - age : 0);
  }
}

size_t BuildStored(const Query& query, const StoredView& stored, const ReplyOptions& options,
                   MutableBytes out) {
  const uint16_t stored_flags = LoadU16(stored.wire.data() + 2);
  const size_t max_size = std::min(MaxReplySize(query, options), out.size());
  const bool has_options = query.edns.present && SendsOptions(query, options);
  const size_t opt_size = OptSizeOf(query, options, has_options);
  // A response without a question carries only an RCODE.
  const bool has_question = stored.wire.size() >= kHeaderSize + query.question.wire_size();
  // Some clients without EDNS never query over TCP. They get the records that fit, as from BIND.
  // ANY gets none of them, because it is used for amplification.
  const bool cut_answer = !query.edns.present && query.question.qtype != QType::kAny;
  const std::optional<StoredPart> part =
      opt_size < max_size ? PartThatFits(stored, max_size - opt_size, cut_answer) : std::nullopt;
  if (!part.has_value() || !has_question) {
    return WriteWithoutRecords(query, has_question ? kFlagTc : 0,
                               static_cast<Rcode>(stored_flags & kRcodeMask), options, out);
  }
  const size_t size = part->size;
  std::memcpy(out.data(), stored.wire.data(), size);
  const uint16_t kept_flags = static_cast<uint16_t>(
      (WantsAd(query) ? stored_flags : stored_flags & ~kFlagAd) | (part->truncated ? kFlagTc : 0));
  StoreU16(out.data(), query.id);
  StoreU16(out.data() + 2, static_cast<uint16_t>(kept_flags | ReplyFlags(query)));
  StoreU16(out.data() + kAncountOffset, part->ancount);
  StoreU16(out.data() + kNscountOffset, part->nscount);
  StoreU16(out.data() + kArcountOffset, part->arcount);
  uint8_t* question = out.data() + kHeaderSize;
  std::memcpy(question, query.qname.wire().data(), query.qname.size());
  StoreU16(question + query.qname.size(), static_cast<uint16_t>(query.question.qtype));
  PatchTtls(stored.ttl_offsets.first(part->record_count), options, out.data());
  if (part->ancount > 1 && options.rotation != 0) {
    RotateAddresses(stored, query.question.qtype, *part, options.rotation, out.data());
  }
  if (!query.edns.present) return size;
  if (!has_options) return AppendBareOpt(query.edns.dnssec_ok, size, out.data());
  return AppendOpt(out, size, OptFor(query, options, Rcode::kNoError), max_size);
}

// True if the reply of this size names the server and is too long for it (kMaxNamedGrowth).
bool IsNameTooLong(const Query& query, const ReplyOptions& options, size_t size) {
  return options.transport == Transport::kUdp && SendsNsid(query, options) &&
         !query.has_good_cookie && size > size_t{query.message_size} * kMaxNamedGrowth;
}

ReplyOptions WithoutName(ReplyOptions options) {
  options.nsid = {};
  return options;
}

}  // namespace

size_t MaxReplySize(const Query& query, const ReplyOptions& options) {
  if (options.transport != Transport::kUdp) return kMaxMessageSize;
  const uint16_t ours = query.question.qtype == QType::kAny
                            ? kMinUdpPayloadSize
                            : std::max(options.max_udp_payload_size, kMinUdpPayloadSize);
  const size_t size = std::min(query.edns.udp_payload_size, ours);
  if (options.max_growth == 0) return size;
  return std::min(size, size_t{query.message_size} * static_cast<size_t>(options.max_growth));
}

size_t BuildReply(const Query& query, const StoredView& stored, const ReplyOptions& options,
                  MutableBytes out) {
  const size_t size = BuildStored(query, stored, options, out);
  if (!IsNameTooLong(query, options, size)) return size;
  return BuildStored(query, stored, WithoutName(options), out);
}

size_t BuildRcodeReply(const Query& query, Rcode rcode, const ReplyOptions& options,
                       MutableBytes out) {
  const size_t size = WriteWithoutRecords(query, 0, rcode, options, out);
  if (!IsNameTooLong(query, options, size)) return size;
  return WriteWithoutRecords(query, 0, rcode, WithoutName(options), out);
}

size_t BuildTruncatedReply(const Query& query, const ReplyOptions& options, MutableBytes out) {
  return WriteWithoutRecords(query, kFlagTc, Rcode::kNoError, options, out);
}

}  // namespace dotcache
