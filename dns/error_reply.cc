// SPDX-License-Identifier: Apache-2.0
#include "dns/error_reply.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "dns/message_header.h"
#include "dns/message_writer.h"
#include "dns/tsig.h"

namespace dotcache {
namespace {

constexpr int kExtendedRcodeShift = 4;  // RFC 6891 section 6.1.3.

}  // namespace

size_t BuildErrorReply(Bytes message, const Rejection& rejection, Transport transport,
                       MutableBytes out) {
  const MessageHeader received = LoadHeader(message);
  // The source address of a datagram may be spoofed.
  const size_t limit = transport == Transport::kUdp ? message.size() : kMaxMessageSize;
  size_t max_size = std::min(limit, out.size());
  const size_t question_size = rejection.question_size;
  if (kHeaderSize + question_size > max_size) return 0;
  size_t size = kHeaderSize + question_size;
  const bool has_room = rejection.has_edns && size + kOptFixedSize <= max_size;
  // An RCODE above 15 needs an OPT.
  const bool expressible = has_room || static_cast<uint16_t>(rejection.rcode) <= kRcodeMask;
  const Rcode rcode = expressible ? rejection.rcode : Rcode::kServFail;

  MessageHeader header;
  header.id = received.id;
  const bool is_query = received.opcode() == Opcode::kQuery;
  header.flags =
      static_cast<uint16_t>(kFlagQr | (received.flags & (kOpcodeMask | (is_query ? kFlagRd : 0))) |
                            (static_cast<int>(rcode) & kRcodeMask));
  header.qdcount = question_size > 0 ? 1 : 0;
  StoreHeader(out, header);
  std::memcpy(out.data() + kHeaderSize, message.data() + kHeaderSize, question_size);

  std::optional<TsigRecord> tsig;
  if (rejection.tsig_at > 0) tsig = ReadTsig(message, rejection.tsig_at);
  const size_t tsig_size = tsig.has_value() ? BadKeySize(*tsig) : 0;
  const bool has_tsig = tsig_size > 0 && size + tsig_size <= max_size;
  if (has_tsig) max_size -= tsig_size;
  if (has_room) {
    OptToWrite opt;
    opt.extended_rcode = static_cast<uint8_t>(static_cast<uint16_t>(rcode) >> kExtendedRcodeShift);
    opt.dnssec_ok = rejection.dnssec_ok;
    if (transport == Transport::kDot && rejection.has_padding) {
      opt.padding_block = kResponsePaddingBlock;
      opt.octets_behind = has_tsig ? tsig_size : 0;
    }
    size = AppendOpt(out, size, opt, max_size);
  }
  return has_tsig ? AppendBadKey(*tsig, out, size) : size;
}

}  // namespace dotcache
