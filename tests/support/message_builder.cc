// SPDX-License-Identifier: Apache-2.0
#include "tests/support/message_builder.h"

#include <arpa/inet.h>

#include <array>

#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/support/octets.h"

namespace dotcache {
namespace {

void AppendU16(WireMessage& out, uint16_t value) {
  out.resize(out.size() + 2);
  StoreU16(&out[out.size() - 2], value);
}

void AppendU32(WireMessage& out, uint32_t value) {
  out.resize(out.size() + 4);
  StoreU32(&out[out.size() - 4], value);
}

void AppendOctets(WireMessage& out, Bytes octets) {
  out.insert(out.end(), octets.begin(), octets.end());
}

WireMessage Labels(absl::string_view text) {
  WireMessage octets;
  for (absl::string_view label : absl::StrSplit(text, '.', absl::SkipEmpty())) {
    octets.push_back(static_cast<uint8_t>(label.size()));
    AppendOctets(octets, AsBytes(label));
  }
  return octets;
}

template <size_t kSize>
WireMessage Address(int family, absl::string_view text) {
  std::array<uint8_t, kSize> octets = {};
  EXPECT_EQ(inet_pton(family, std::string(text).c_str(), octets.data()), 1) << text;
  return WireMessage(octets.begin(), octets.end());
}

}  // namespace

WireName::WireName(absl::string_view text) : octets(Labels(text)) { octets.push_back(0); }

WireName WireName::Pointer(uint16_t offset, absl::string_view labels) {
  WireMessage octets = Labels(labels);
  AppendU16(octets, static_cast<uint16_t>(0xc000 | offset));
  return octets;
}

WireMessage Concat(std::initializer_list<Bytes> parts) {
  WireMessage octets;
  for (Bytes part : parts) AppendOctets(octets, part);
  return octets;
}

WireMessage Framed(const std::vector<WireMessage>& messages) {
  WireMessage stream;
  for (const WireMessage& message : messages) {
    AppendU16(stream, static_cast<uint16_t>(message.size()));
    AppendOctets(stream, message);
  }
  return stream;
}

WireMessage ARdata(absl::string_view dotted_quad) { return Address<4>(AF_INET, dotted_quad); }

WireMessage AaaaRdata(absl::string_view text) { return Address<16>(AF_INET6, text); }

WireMessage TxtRdata(std::initializer_list<absl::string_view> strings) {
  WireMessage rdata;
  for (absl::string_view string : strings) {
    rdata.push_back(static_cast<uint8_t>(string.size()));
    AppendOctets(rdata, AsBytes(string));
  }
  return rdata;
}

WireMessage MxRdata(uint16_t preference, const WireName& exchange) {
  WireMessage rdata;
  AppendU16(rdata, preference);
  AppendOctets(rdata, exchange.octets);
  return rdata;
}

WireMessage SoaRdata(uint32_t minimum) {
  WireMessage rdata =
      Concat({WireName("ns.example.com").octets, WireName("mail.example.com").octets});
  for (uint32_t value : {2026010101u, 7200u, 3600u, 1209600u, minimum}) AppendU32(rdata, value);
  return rdata;
}

Record ARecord(const WireName& owner, uint32_t ttl, absl::string_view dotted_quad) {
  return {.owner = owner, .type = QType::kA, .ttl = ttl, .rdata = ARdata(dotted_quad)};
}

Record CnameRecord(const WireName& owner, uint32_t ttl, const WireName& target) {
  return {.owner = owner, .type = QType::kCname, .ttl = ttl, .rdata = target.octets};
}

Record SoaRecord(const WireName& owner, uint32_t ttl, uint32_t minimum) {
  return {.owner = owner, .type = QType::kSoa, .ttl = ttl, .rdata = SoaRdata(minimum)};
}

Record OptRecord(const RawOpt& opt) {
  Record record{.owner = ".", .type = QType::kOpt};
  record.klass = static_cast<QClass>(opt.udp_payload_size);
  record.ttl = static_cast<uint32_t>(opt.extended_rcode) << 24 |
               static_cast<uint32_t>(opt.version) << 16 | opt.flags;
  for (const RawOption& option : opt.options) {
    AppendU16(record.rdata, option.code);
    AppendU16(record.rdata, static_cast<uint16_t>(option.data.size()));
    AppendOctets(record.rdata, option.data);
  }
  return record;
}

MessageBuilder& MessageBuilder::Response(Rcode rcode) {
  header_.flags = static_cast<uint16_t>((header_.flags & ~kRcodeMask) | kFlagQr | kFlagRa |
                                        (static_cast<uint16_t>(rcode) & kRcodeMask));
  return *this;
}

MessageBuilder& MessageBuilder::Question(const WireName& qname, QType qtype, QClass qclass) {
  AppendOctets(body_, qname.octets);
  AppendU16(body_, static_cast<uint16_t>(qtype));
  AppendU16(body_, static_cast<uint16_t>(qclass));
  ++header_.qdcount;
  return *this;
}

MessageBuilder& MessageBuilder::Raw(Bytes octets) {
  AppendOctets(body_, octets);
  return *this;
}

MessageBuilder& MessageBuilder::Append(const Record& record, uint16_t& count) {
  AppendOctets(body_, record.owner.octets);
  AppendU16(body_, static_cast<uint16_t>(record.type));
  AppendU16(body_, static_cast<uint16_t>(record.klass));
  AppendU32(body_, record.ttl);
  AppendU16(body_, record.rdlength.value_or(static_cast<uint16_t>(record.rdata.size())));
  AppendOctets(body_, record.rdata);
  ++count;
  return *this;
}

WireMessage MessageBuilder::Build() const {
  WireMessage message(kHeaderSize);
  StoreHeader(MutableBytes(message), header_);
  AppendOctets(message, body_);
  return message;
}

WireMessage MakeQuery(const WireName& qname, QType qtype, uint16_t id) {
  return MessageBuilder().Id(id).Question(qname, qtype).Build();
}

WireMessage MakeResponse(const WireName& qname, QType qtype, const std::vector<Record>& answers,
                         uint16_t id) {
  MessageBuilder builder;
  builder.Id(id).Response().Question(qname, qtype);
  for (const Record& record : answers) builder.Answer(record);
  return builder.Build();
}

WireMessage MakeNegativeResponse(const WireName& qname, QType qtype, Rcode rcode,
                                 const Record& soa) {
  return MessageBuilder().Response(rcode).Question(qname, qtype).Authority(soa).Build();
}

}  // namespace dotcache
