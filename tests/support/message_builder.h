// SPDX-License-Identifier: Apache-2.0
// Builds any DNS message for tests, well formed or not, independent of the code under test.
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

// The octets of a name: text ("www.example.com", "." is the root; no escapes), or raw octets (a
// pointer, a label without end) that are written as they are.
struct WireName {
  WireName(const char* text) : WireName(absl::string_view(text)) {}         // NOLINT
  WireName(const std::string& text) : WireName(absl::string_view(text)) {}  // NOLINT
  WireName(absl::string_view text);                                         // NOLINT
  WireName(WireMessage raw) : octets(std::move(raw)) {}                     // NOLINT

  // A compression pointer; with `labels` in front of it when given ("www").
  static WireName Pointer(uint16_t offset, absl::string_view labels = "");

  WireMessage octets;
};

WireMessage Concat(std::initializer_list<Bytes> parts);

// RDATA, all names uncompressed.
WireMessage ARdata(absl::string_view dotted_quad);
WireMessage AaaaRdata(absl::string_view text);
WireMessage TxtRdata(std::initializer_list<absl::string_view> strings);
WireMessage MxRdata(uint16_t preference, const WireName& exchange);
WireMessage SoaRdata(uint32_t minimum);
inline WireMessage NameRdata(const WireName& name) { return name.octets; }

// One RR. `rdlength`, when set, is written in place of the RDATA's true size.
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

// Sections are written in the order of the calls and counted; a count may be overruled. Example:
//
//   WireMessage m = MessageBuilder().Question("example.com", QType::kA).Opt({.flags = 0x8000})
//                       .Build();
class MessageBuilder {
 public:
  // A query: ID 0x1234, RD.
  MessageBuilder() : header_{.id = 0x1234, .flags = kFlagRd} {}

  MessageBuilder& Id(uint16_t id) { return Set(&MessageHeader::id, id); }
  MessageBuilder& Flags(uint16_t flags) {  // The whole second word.
    return Set(&MessageHeader::flags, flags);
  }
  // Adds QR and RA and this RCODE.
  MessageBuilder& Response(Rcode rcode = Rcode::kNoError);

  MessageBuilder& Question(const WireName& qname, QType qtype, QClass qclass = QClass::kIn);
  MessageBuilder& Answer(const Record& record) { return Append(record, header_.ancount); }
  MessageBuilder& Authority(const Record& record) { return Append(record, header_.nscount); }
  MessageBuilder& Additional(const Record& record) { return Append(record, header_.arcount); }
  MessageBuilder& Opt(const RawOpt& opt = {}) { return Additional(OptRecord(opt)); }
  MessageBuilder& Raw(Bytes octets);  // Not counted anywhere.

  // Writes these counts whatever was added.
  MessageBuilder& Qdcount(uint16_t count) { return Set(&MessageHeader::qdcount, count); }
  MessageBuilder& Ancount(uint16_t count) { return Set(&MessageHeader::ancount, count); }
  MessageBuilder& Nscount(uint16_t count) { return Set(&MessageHeader::nscount, count); }
  MessageBuilder& Arcount(uint16_t count) { return Set(&MessageHeader::arcount, count); }

  // Octets so far, header included: where the next thing added begins.
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

// A query without EDNS, RD set.
WireMessage MakeQuery(const WireName& qname, QType qtype, uint16_t id = 0x1234);

// A NOERROR response (QR, RD, RA) with these answers and no OPT.
WireMessage MakeResponse(const WireName& qname, QType qtype, const std::vector<Record>& answers,
                         uint16_t id = 0x1234);

// A negative response with this SOA: NXDOMAIN, or NODATA with Rcode::kNoError.
WireMessage MakeNegativeResponse(const WireName& qname, QType qtype, Rcode rcode,
                                 const Record& soa);

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_MESSAGE_BUILDER_H_
