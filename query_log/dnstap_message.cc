// SPDX-License-Identifier: Apache-2.0
#include "query_log/dnstap_message.h"

#include <chrono>
#include <cstdint>

namespace dotcache {
namespace {

// The numbers of the fields and values in dnstap.proto.
enum DnstapField : uint32_t { kVersion = 2, kMessage = 14, kDnstapType = 15 };
enum MessageField : uint32_t {
  kType = 1,
  kSocketFamily = 2,
  kSocketProtocol = 3,
  kQueryAddress = 4,
  kResponseAddress = 5,
  kQueryPort = 6,
  kResponsePort = 7,
  kQueryTimeSec = 8,
  kQueryTimeNsec = 9,
  kQueryMessage = 10,
  kQueryZone = 11,
  kResponseTimeSec = 12,
  kResponseTimeNsec = 13,
  kResponseMessage = 14,
};
constexpr uint64_t kTypeIsMessage = 1;
constexpr uint64_t kInet = 1;
constexpr uint64_t kInet6 = 2;

// CLIENT_QUERY to FORWARDER_RESPONSE.
uint64_t TypeOf(NoteKind kind) { return uint64_t{5} + static_cast<uint64_t>(kind); }

uint64_t ProtocolOf(Transport transport) {
  switch (transport) {
    case Transport::kUdp:
      return 1;
    case Transport::kTcp:
      return 2;
    case Transport::kDot:
      return 3;
  }
  return 1;
}

// Writes the fields of a protobuf message.
class FieldWriter {
 public:
  explicit FieldWriter(std::string& out) : out_(out) {}

  void Number(uint32_t field, uint64_t value) {
    Varint(uint64_t{field} << 3);
    Varint(value);
  }

  void Fixed32(uint32_t field, uint32_t value) {
    constexpr uint32_t kFixed32Type = 5;
    Varint(uint64_t{field} << 3 | kFixed32Type);
    for (int shift = 0; shift < 32; shift += 8) out_ += static_cast<char>(value >> shift);
  }

  void Octets(uint32_t field, const void* data, size_t size) {
    constexpr uint32_t kOctetsType = 2;
    Varint(uint64_t{field} << 3 | kOctetsType);
    Varint(size);
    out_.append(static_cast<const char*>(data), size);
  }

 private:
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }

  std::string& out_;
};

void WriteTime(Duration since_epoch, uint32_t sec_field, uint32_t nsec_field, FieldWriter& writer) {
  const auto seconds = std::chrono::floor<Seconds>(since_epoch);
  writer.Number(sec_field, static_cast<uint64_t>(seconds.count()));
  writer.Fixed32(nsec_field, static_cast<uint32_t>((since_epoch - seconds).count()));
}

}  // namespace

void AppendDnstap(const QueryNote& note, Bytes message, Duration epoch_at_boot, std::string& out) {
  std::string inner;
  FieldWriter fields(inner);
  fields.Number(kType, TypeOf(note.kind));
  fields.Number(kSocketFamily, note.peer.is_v6() ? kInet6 : kInet);
  fields.Number(kSocketProtocol, ProtocolOf(note.transport));
  // The client sends the query. An upstream server sends the response.
  const Bytes address = note.peer.octets();
  fields.Octets(note.is_upstream() ? kResponseAddress : kQueryAddress, address.data(),
                address.size());
  fields.Number(note.is_upstream() ? kResponsePort : kQueryPort, note.peer.port());
  WriteTime(epoch_at_boot + note.begun.time_since_epoch(), kQueryTimeSec, kQueryTimeNsec, fields);
  if (note.is_reply()) {
    WriteTime(epoch_at_boot + note.ended.time_since_epoch(), kResponseTimeSec, kResponseTimeNsec,
              fields);
  }
  if (note.is_upstream()) {
    const DomainName zone = note.name.WithoutLabels(note.name.LabelCount() - note.zone_labels);
    fields.Octets(kQueryZone, zone.wire().data(), zone.size());
  }
  fields.Octets(note.is_reply() ? kResponseMessage : kQueryMessage, message.data(), message.size());

  constexpr char kProgram[] = "dotcache";
  FieldWriter outer(out);
  outer.Octets(kVersion, kProgram, sizeof(kProgram) - 1);
  outer.Octets(kMessage, inner.data(), inner.size());
  outer.Number(kDnstapType, kTypeIsMessage);
}

}  // namespace dotcache
