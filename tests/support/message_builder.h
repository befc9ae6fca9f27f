// SPDX-License-Identifier: Apache-2.0
// Builds well-formed and malformed DNS messages, without the code under test.
#ifndef DOTCACHE_TESTS_SUPPORT_MESSAGE_BUILDER_H_
#define DOTCACHE_TESTS_SUPPORT_MESSAGE_BUILDER_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/bytes.h"
#include "dns/dns_types.h"
#include "dns/message_header.h"

namespace dotcache {

// The octets of a name. Text such as "www.example.com" is encoded; "." is the root, and there are
// no escapes. Raw octets are written unchanged, for example a pointer or a label without an end.
struct WireName {
  WireName(const char* text) : WireName(absl::string_view(text)) {}         // NOLINT
  WireName(const std::string& text) : WireName(absl::string_view(text)) {}  // NOLINT
  WireName(absl::string_view text);                                         // NOLINT
  WireName(WireMessage raw) : octets(std::move(raw)) {}                     // NOLINT

  // A compression pointer, after `labels` ("www") if given.
  static WireName Pointer(uint16_t offset, absl::string_view labels = "");

  WireMessage octets;
};

WireMessage Concat(std::initializer_list<Bytes> parts);

// Returns the messages as a stream carries them: each after its length in two octets (RFC 1035
// section 4.2.2). REQUIRES: no message is longer than 65,535 octets.
WireMessage Framed(const std::vector<WireMessage>& messages);

// These return RDATA with uncompressed names.
WireMessage ARdata(absl::string_view dotted_quad);
WireMessage AaaaRdata(absl::string_view text);
WireMessage TxtRdata(std::initializer_list<absl::string_view> strings);
WireMessage MxRdata(uint16_t preference, const WireName& exchange);
WireMessage SoaRdata(uint32_t minimum);
inline WireMessage NameRdata(const WireName& name) { return name.octets; }

// One RR. If `rdlength` is set, it is written instead of the size of the RDATA.
struct Record {
  WireName owner = ".";
  QType type = QType::kA;
  uint32_t ttl = 300;
  WireMessage rdata = {};
  QClass klass = QClass::kIn;
  std::optional<uint16_t> rdlength = std::nullopt;
};
Record ARecord(const WireName& owner, uint32_t ttl, absl::string_view dotted_quad);
Record CnameRecord(const WireName& owner, uint32_t ttl, const WireName& target);
Record SoaRecord(const WireName& owner, uint32_t ttl, uint32_t minimum);

struct RawOption {
  uint16_t code = 0;
  WireMessage data = {};
};

// An OPT record (RFC 6891).
struct RawOpt {
  uint16_t udp_payload_size = 1232;
  uint8_t extended_rcode = 0;
  uint8_t version = 0;
  uint16_t flags = 0;  // 0x8000: DO.
  std::vector<RawOption> options = {};
};
Record OptRecord(const RawOpt& opt = {});

// Writes the sections in the order of the calls and counts their records. A count can be
// overridden. Example:
//
//   WireMessage m = MessageBuilder().Question("example.com", QType::kA).Opt({.flags = 0x8000})
//                       .Build();
class MessageBuilder {
 public:
  // Starts a query with ID 0x1234 and RD.
  MessageBuilder() : header_{.id = 0x1234, .flags = kFlagRd} {}

  MessageBuilder& Id(uint16_t id) { return Set(&MessageHeader::id, id); }
  MessageBuilder& Flags(uint16_t flags) {  // The second 16 bits of the header.
    return Set(&MessageHeader::flags, flags);
  }
  // Adds QR, RA and the RCODE.
  MessageBuilder& Response(Rcode rcode = Rcode::kNoError);

  MessageBuilder& Question(const WireName& qname, QType qtype, QClass qclass = QClass::kIn);
  MessageBuilder& Answer(const Record& record) { return Append(record, header_.ancount); }
  MessageBuilder& Authority(const Record& record) { return Append(record, header_.nscount); }
  MessageBuilder& Additional(const Record& record) { return Append(record, header_.arcount); }
  MessageBuilder& Opt(const RawOpt& opt = {}) { return Additional(OptRecord(opt)); }
  MessageBuilder& Raw(Bytes octets);  // Not counted in any section.

  // Override the counts of the header.
  MessageBuilder& Qdcount(uint16_t count) { return Set(&MessageHeader::qdcount, count); }
  MessageBuilder& Ancount(uint16_t count) { return Set(&MessageHeader::ancount, count); }
  MessageBuilder& Nscount(uint16_t count) { return Set(&MessageHeader::nscount, count); }
  MessageBuilder& Arcount(uint16_t count) { return Set(&MessageHeader::arcount, count); }

  // The octets so far with the header: the offset of the next record.
  uint16_t offset() const { return static_cast<uint16_t>(kHeaderSize + body_.size()); }

  WireMessage Build() const;

 private:
  MessageBuilder& Set(uint16_t MessageHeader::*field, uint16_t value) {
    header_.*field = value;
    return *this;
  }
  MessageBuilder& Append(const Record& record, uint16_t& count);

  MessageHeader header_;
  WireMessage body_;
};

// Returns a query with RD and without EDNS.
WireMessage MakeQuery(const WireName& qname, QType qtype, uint16_t id = 0x1234);

// Returns a NOERROR response (QR, RD, RA) with these answers and without OPT.
WireMessage MakeResponse(const WireName& qname, QType qtype, const std::vector<Record>& answers,
                         uint16_t id = 0x1234);

// Returns a negative response with this SOA: NXDOMAIN, or NODATA for Rcode::kNoError.
WireMessage MakeNegativeResponse(const WireName& qname, QType qtype, Rcode rcode,
                                 const Record& soa);

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_MESSAGE_BUILDER_H_
