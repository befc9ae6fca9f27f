// SPDX-License-Identifier: Apache-2.0
#include "dns/tsig.h"

#include <algorithm>

#include "dns/dns_types.h"
#include "dns/message_header.h"
#include "dns/wire_cursor.h"
#include "dns/wire_sizes.h"

namespace dotcache {
namespace {

constexpr uint16_t kBadKey = 17;            // RFC 8945 section 3.
constexpr size_t kTimeAndFudgeSize = 8;     // 48 bits and 16 bits.
constexpr size_t kEmptyMacAndTailSize = 8;  // MAC Size, Original ID, Error, Other Len.
constexpr size_t kArcountOffset = 10;

size_t BadKeyRdataSize(const TsigRecord& tsig) {
  return tsig.algorithm.size() + kTimeAndFudgeSize + kEmptyMacAndTailSize;
}

}  // namespace

std::optional<TsigRecord> ReadTsig(Bytes message, size_t offset) {
  TsigRecord tsig;
  WireCursor cursor(message, offset, message.size());
  tsig.key = cursor.ReadName();
  const bool is_tsig = cursor.ReadU16() == static_cast<uint16_t>(QType::kTsig);
  const bool is_of_any = cursor.ReadU16() == static_cast<uint16_t>(QClass::kAny);
  cursor.Skip(4);  // TTL.
  const size_t rdata_size = cursor.ReadU16();
  const size_t begin = cursor.position();
  const size_t name_size = cursor.SkipName();
  tsig.algorithm = message.subspan(begin, std::min(name_size, cursor.position() - begin));
  tsig.time_and_fudge = cursor.ReadBytes(kTimeAndFudgeSize);
  cursor.Skip(cursor.ReadU16());  // MAC.
  cursor.Skip(4);                 // Original ID, Error.
  cursor.Skip(cursor.ReadU16());  // Other Data.
  const bool is_whole = cursor.AtEnd() && rdata_size == message.size() - begin;
  // A compressed algorithm is shorter than its name.
  if (!is_tsig || !is_of_any || !is_whole || tsig.algorithm.size() != name_size ||
      tsig.time_and_fudge.data() != tsig.algorithm.end()) {
    return std::nullopt;
  }
  return tsig;
}

size_t BadKeySize(const TsigRecord& tsig) {
  return tsig.key.size() + kRecordFixedSize + BadKeyRdataSize(tsig);
}

size_t AppendBadKey(const TsigRecord& tsig, MutableBytes out, size_t size) {
  uint8_t* at = out.data() + size;
  const auto append = [&at](Bytes octets) { at = std::copy(octets.begin(), octets.end(), at); };
  const auto append_u16 = [&at](uint16_t value) {
    StoreU16(at, value);
    at += 2;
  };
  append(tsig.key.wire());
  append_u16(static_cast<uint16_t>(QType::kTsig));
  append_u16(static_cast<uint16_t>(QClass::kAny));
  append_u16(0);  // TTL.
  append_u16(0);
  append_u16(static_cast<uint16_t>(BadKeyRdataSize(tsig)));
  append(tsig.algorithm);
  append(tsig.time_and_fudge);
  append_u16(0);                    // MAC Size.
  append_u16(LoadU16(out.data()));  // Original ID.
  append_u16(kBadKey);
  append_u16(0);  // Other Len.
  uint8_t* arcount = out.data() + kArcountOffset;
  StoreU16(arcount, static_cast<uint16_t>(LoadU16(arcount) + 1));
  return size + BadKeySize(tsig);
}

}  // namespace dotcache
