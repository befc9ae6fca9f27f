// SPDX-License-Identifier: Apache-2.0
#include "dns/extra_records.h"

#include "dns/dns_types.h"
#include "dns/message_header.h"
#include "dns/wire_sizes.h"

namespace dotcache {
namespace {

constexpr size_t kMaxSize = 4096;

// The offset after the name at `at`, without following a pointer. 0 when the name is malformed.
size_t EndOfName(Bytes message, size_t at) {
  while (at < message.size()) {
    const uint8_t octet = message[at];
    if (octet == 0) return at + 1;
    if (octet >= kPointerBits) return at + 2;
    if (octet > kMaxLabelSize) return 0;
    at += octet + size_t{1};
  }
  return 0;
}

EdnsInfo ReadEdns(Bytes message, size_t record_at, size_t end) {
  const uint8_t* fixed = &message[record_at];
  const size_t rdata_at = record_at + kRecordFixedSize;
  const uint16_t klass = LoadU16(fixed + 2);
  const uint32_t ttl = LoadU32(fixed + 4);
  const Bytes rdata = message.subspan(rdata_at, end - rdata_at);
  const auto whole = ParseOpt(klass, ttl, rdata, EdnsSender::kUpstream);
  return whole.has_value() ? *whole : *ParseOpt(klass, ttl, Bytes(), EdnsSender::kUpstream);
}

}  // namespace

ExtraRecords FindExtraRecords(Bytes message) {
  ExtraRecords found;
  if (message.size() > kMaxSize) return found;
  const MessageHeader header = LoadHeader(message);
  size_t at = kHeaderSize;
  for (int left = header.qdcount; left > 0; --left) {
    at = EndOfName(message, at);
    if (at == 0) return found;
    at += kQuestionFixedSize;
  }
  const int before = int{header.ancount} + header.nscount;
  const int count = before + header.arcount;
  for (int i = 0; i < count; ++i) {
    const size_t record_at = EndOfName(message, at);
    if (record_at == 0 || record_at + kRecordFixedSize > message.size()) return found;
    const size_t end = record_at + kRecordFixedSize + LoadU16(&message[record_at + 8]);
    if (end > message.size()) return found;
    const auto type = static_cast<QType>(LoadU16(&message[record_at]));
    if (i >= before && type == QType::kOpt && message[at] == 0 && !found.edns.has_value()) {
      found.edns = ReadEdns(message, record_at, end);
    }
    if (i >= before && type == QType::kTsig && i + 1 == count) found.tsig_at = at;
    at = end;
  }
  return found;
}

}  // namespace dotcache
