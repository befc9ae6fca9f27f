// SPDX-License-Identifier: Apache-2.0
#include "local/local_response.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "dns/message_header.h"

namespace dotcache {
namespace {

constexpr size_t kAncountOffset = 6;
constexpr size_t kNscountOffset = 8;

void Append(Bytes octets, WireMessage& out) { out.insert(out.end(), octets.begin(), octets.end()); }

void AppendU16(uint16_t value, WireMessage& out) {
  std::array<uint8_t, 2> octets;
  StoreU16(octets.data(), value);
  Append(octets, out);
}

void AppendU32(uint32_t value, WireMessage& out) {
  std::array<uint8_t, 4> octets;
  StoreU32(octets.data(), value);
  Append(octets, out);
}

}  // namespace

LocalResponse::LocalResponse(const Question& question, Rcode rcode) : question_(question) {
  WireMessage& wire = message_.wire;
  const Bytes qname = question.qname.wire();
  wire.resize(kHeaderSize + question.wire_size());
  MessageHeader header;
  header.flags = static_cast<uint16_t>(kFlagQr | kFlagRa | static_cast<int>(rcode));
  header.qdcount = 1;
  StoreHeader(absl::MakeSpan(wire), header);
  std::copy(qname.begin(), qname.end(), wire.begin() + kHeaderSize);
  uint8_t* behind_name = wire.data() + kHeaderSize + qname.size();
  StoreU16(behind_name, static_cast<uint16_t>(question.qtype));
  StoreU16(behind_name + 2, static_cast<uint16_t>(question.qclass));
}

void LocalResponse::AddAnswer(const DomainName& owner, QType type, uint32_t ttl, Bytes rdata) {
  AddRecord(owner, type, ttl, rdata, kAncountOffset);
}

void LocalResponse::AddSoa(const DomainName& zone, uint32_t ttl) {
  AddRecord(zone, QType::kSoa, ttl, SoaRdata(zone, ttl), kNscountOffset);
}

void LocalResponse::AddRecord(const DomainName& owner, QType type, uint32_t ttl, Bytes rdata,
                              size_t count_offset) {
  WireMessage& wire = message_.wire;
  if (owner == last_owner_) {
    AppendU16(static_cast<uint16_t>(0xc000 | last_owner_at_), wire);
  } else if (owner.size() > 1 && question_.qname.IsAtOrBelow(owner)) {
    const size_t at = kHeaderSize + question_.qname.size() - owner.size();
    AppendU16(static_cast<uint16_t>(0xc000 | at), wire);
  } else {
    last_owner_ = owner;
    last_owner_at_ = wire.size();
    assert(last_owner_at_ < 0x4000);
    Append(owner.wire(), wire);
  }
  AppendU16(static_cast<uint16_t>(type), wire);
  AppendU16(static_cast<uint16_t>(QClass::kIn), wire);
  message_.ttl_offsets.push_back(static_cast<uint16_t>(wire.size()));
  AppendU32(ttl, wire);
  AppendU16(static_cast<uint16_t>(rdata.size()), wire);
  Append(rdata, wire);
  assert(wire.size() <= kMaxMessageSize);
  uint8_t* count = wire.data() + count_offset;
  StoreU16(count, static_cast<uint16_t>(LoadU16(count) + 1));
}

WireMessage LocalResponse::SoaRdata(const DomainName& zone, uint32_t minimum) {
  WireMessage rdata;
  Append(zone.wire(), rdata);
  static const DomainName nobody = *DomainName::FromText("nobody.invalid");
  Append(nobody.wire(), rdata);
  for (uint32_t number : {1u, 3600u, 1200u, 604800u, minimum}) AppendU32(number, rdata);
  return rdata;
}

}  // namespace dotcache
