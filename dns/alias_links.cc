// SPDX-License-Identifier: Apache-2.0
#include "dns/alias_links.h"

#include <algorithm>

#include "dns/message_header.h"
#include "dns/rdata.h"
#include "dns/wire_cursor.h"

namespace dotcache {
namespace {

constexpr size_t kFixedFieldsSize = 10;  // Type, class, TTL, RDLENGTH.

// The records of a checked message, one after the other.
class RecordReader {
 public:
  explicit RecordReader(Bytes message) : message_(message), cursor_(message) {
    cursor_.Skip(kHeaderSize);
    cursor_.SkipName();
    cursor_.Skip(4);
  }

  // Reads the next record. Returns false without one.
  bool Next() {
    if (!cursor_.ok() || cursor_.remaining() == 0) return false;
    owner_ = cursor_.ReadName();
    fixed_ = cursor_.position();
    type_ = static_cast<QType>(cursor_.ReadU16());
    cursor_.Skip(2);
    ttl_ = cursor_.ReadU32();
    const size_t size = cursor_.ReadU16();
    rdata_ = cursor_.position();
    cursor_.Skip(size);
    return cursor_.ok();
  }

  QType type() const { return type_; }
  uint32_t ttl() const { return ttl_; }
  const DomainName& owner() const { return owner_; }
  size_t end() const { return cursor_.position(); }
  Bytes fixed_fields() const { return message_.subspan(fixed_, kFixedFieldsSize); }
  WireCursor rdata() const { return WireCursor(message_, rdata_, end()); }
  Bytes OctetsOf(size_t begin, size_t end) const { return message_.subspan(begin, end - begin); }
  Bytes message() const { return message_; }

 private:
  const Bytes message_;
  WireCursor cursor_;
  DomainName owner_;
  QType type_ = QType::kNone;
  uint32_t ttl_ = 0;
  size_t fixed_ = 0;
  size_t rdata_ = 0;
};

void Append(Bytes octets, WireMessage& out) { out.insert(out.end(), octets.begin(), octets.end()); }

// Appends the record with all names in full.
void AppendRecord(const RecordReader& record, Seconds age, WireMessage& out) {
  Append(record.owner().wire(), out);
  const size_t fixed = out.size();
  Append(record.fixed_fields(), out);
  const auto passed = static_cast<uint32_t>(std::clamp<int64_t>(age.count(), 0, UINT32_MAX));
  StoreU32(&out[fixed + 4], record.ttl() > passed ? record.ttl() - passed : 0);
  const size_t rdata_begin = out.size();
  std::vector<RdataName> names;
  WireCursor cursor = record.rdata();
  size_t at = cursor.position();
  ReadRdata(record.type(), cursor, &names);
  for (const RdataName& found : names) {
    Append(record.OctetsOf(at, found.begin), out);
    Append(found.ReadFrom(record.message()).wire(), out);
    at = found.end;
  }
  Append(record.OctetsOf(at, record.end()), out);
  StoreU16(&out[rdata_begin - 2], static_cast<uint16_t>(out.size() - rdata_begin));
}

bool HasAliases(QType qtype) { return qtype != QType::kCname && qtype != QType::kAny; }

}  // namespace

std::vector<AliasLink> ReadAliasLinks(Bytes message, const Question& question) {
  std::vector<AliasLink> links;
  if (!HasAliases(question.qtype)) return links;
  RecordReader record(message);
  const size_t count = LoadHeader(message).ancount;
  for (size_t i = 0; i < count && record.Next(); ++i) {
    if (record.type() == QType::kCname) {
      WireCursor rdata = record.rdata();
      links.push_back({rdata.ReadName().Canonical(), i + 1, record.end()});
    } else if (record.type() == QType::kRrsig && !links.empty() && links.back().records == i) {
      WireCursor rdata = record.rdata();
      if (static_cast<QType>(rdata.ReadU16()) != QType::kCname) continue;
      links.back().records = i + 1;
      links.back().end = record.end();
    }
  }
  return links;
}

std::optional<WireMessage> JoinAnswers(const Question& question,
                                       absl::Span<const AnswerPart> parts) {
  const MessageHeader last = LoadHeader(parts.back().message);
  MessageHeader header;
  header.flags = static_cast<uint16_t>(kFlagQr | kFlagRa | kFlagAd |
                                       static_cast<uint16_t>(last.header_rcode()));
  header.qdcount = 1;
  header.nscount = last.nscount;
  header.arcount = last.arcount;
  WireMessage out(kHeaderSize);
  Append(question.qname.wire(), out);
  out.resize(out.size() + 4);
  StoreU16(&out[out.size() - 4], static_cast<uint16_t>(question.qtype));
  StoreU16(&out[out.size() - 2], static_cast<uint16_t>(question.qclass));
  for (const AnswerPart& part : parts) {
    if (!LoadHeader(part.message).Has(kFlagAd)) header.flags &= static_cast<uint16_t>(~kFlagAd);
    const bool is_last = &part == &parts.back();
    const size_t count =
        part.records + (is_last ? size_t{last.nscount} + size_t{last.arcount} : size_t{0});
    RecordReader record(part.message);
    for (size_t i = 0; i < count && record.Next(); ++i) {
      AppendRecord(record, part.age, out);
      if (out.size() > kMaxMessageSize) return std::nullopt;
    }
    header.ancount = static_cast<uint16_t>(header.ancount + part.records);
  }
  StoreHeader(absl::MakeSpan(out), header);
  return out;
}

}  // namespace dotcache
