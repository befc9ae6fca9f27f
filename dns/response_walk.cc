// SPDX-License-Identifier: Apache-2.0
#include "dns/response_walk.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "dns/ldns_ptr.h"
#include "dns/rdata.h"
#include "dns/wire_cursor.h"
#include "dns/wire_sizes.h"

namespace dotcache {
namespace {

constexpr size_t kMinRecordSize = 11;  // Root owner, type, class, TTL, RDLENGTH.
constexpr uint32_t kTtlTopBit = 0x80000000;
constexpr uint16_t kPointerToQname = 0xc000 | kHeaderSize;

// The work of ldns can be much larger than the record. ldns copies names label by label and
// allocates RDLENGTH octets for each field. A TXT record can have one field per octet: 65,535
// fields took a second and half a gigabyte. The walk estimates the octets that ldns copies, and
// limits them. 64 KiB of A or AAAA records need nine tenths of the limit.
constexpr size_t kFieldOctets = 80;   // Cost of a field in addition to its RDLENGTH octets.
constexpr size_t kNameOctetCost = 3;  // Cost of an octet of a name, for short labels.
constexpr size_t kMaxLdnsOctets = size_t{640} * 1024;

// True for types that only a question or a transaction can have, never an RR of a response.
bool IsMetaType(QType type) {
  switch (type) {
    case QType::kNone:
    case QType::kTkey:
    case QType::kIxfr:
    case QType::kAxfr:
    case QType::kMailb:
    case QType::kMaila:
    case QType::kAny:
      return true;
    default:
      return false;
  }
}

class Walker {
 public:
  Walker(Bytes response, size_t records_begin)
      : response_(response), cursor_(response, records_begin, response.size(), &names_) {
    if (records_begin > kHeaderSize) {
      WireCursor question(response, kHeaderSize, records_begin, &names_);
      const DomainName qname = question.ReadName();
      if (qname.size() > 1) qname_hash_ = HashName(qname.Canonical());
    }
  }

  std::optional<WalkedResponse> Walk();

 private:
  // Each function returns false when the message is malformed.
  bool ReadSection(Section section, size_t count);
  bool ReadRecord(Section section);
  bool ReadOpt(const ResponseRecord& record, uint16_t klass, uint32_t ttl);
  bool LdnsAgrees(const ResponseRecord& record, size_t fields, size_t name_octets);

  size_t ReadOwner();

  const Bytes response_;
  MessageNames names_;
  WireCursor cursor_;
  WalkedResponse walked_;
  size_t ldns_octets_ = 0;  // At most kMaxLdnsOctets.
  bool seen_tsig_ = false;
  bool listing_ = true;               // True until an OPT or TSIG.
  std::optional<size_t> qname_hash_;  // nullopt for the root, which has no letters.
  // The records of an RRset usually have the same pointer as owner, so the hash of the latest
  // pointer is kept.
  uint16_t last_pointer_ = 0;  // 0: none yet.
  size_t last_hash_ = 0;
  size_t last_size_ = 0;
  size_t owner_size_ = 0;  // Size of the current record's owner.
};

std::optional<WalkedResponse> Walker::Walk() {
  walked_.header = LoadHeader(response_);
  const MessageHeader& header = walked_.header;
  const size_t count = size_t{header.ancount} + header.nscount + header.arcount;
  if (count * kMinRecordSize > cursor_.remaining()) return std::nullopt;
  if (!ReadSection(Section::kAnswer, header.ancount) ||
      !ReadSection(Section::kAuthority, header.nscount) ||
      !ReadSection(Section::kAdditional, header.arcount) || !cursor_.AtEnd()) {
    return std::nullopt;
  }
  return std::move(walked_);
}

bool Walker::ReadSection(Section section, size_t count) {
  for (; count > 0; --count) {
    if (!ReadRecord(section)) return false;
  }
  return true;
}

bool Walker::ReadRecord(Section section) {
  if (seen_tsig_) return false;  // TSIG must be the last record (RFC 8945 section 5.1).
  ResponseRecord record;
  record.section = section;
  record.begin = static_cast<uint16_t>(cursor_.position());
  record.owner_hash = ReadOwner();
  const size_t names_before_rdata = names_.octets();
  record.type = static_cast<QType>(cursor_.ReadU16());
  const uint16_t klass = cursor_.ReadU16();
  const uint32_t ttl = cursor_.ReadU32();
  const size_t rdata_size = cursor_.ReadU16();
  record.rdata_begin = static_cast<uint16_t>(cursor_.position());
  cursor_.Skip(rdata_size);
  if (!cursor_.ok()) return false;
  record.end = static_cast<uint16_t>(cursor_.position());

  if (record.type == QType::kOpt) return ReadOpt(record, klass, ttl);
  if (record.type == QType::kTsig) {
    listing_ = false;
    seen_tsig_ = true;
    return section == Section::kAdditional && klass == static_cast<uint16_t>(QClass::kAny);
  }
  if (klass != static_cast<uint16_t>(QClass::kIn) || IsMetaType(record.type)) return false;

  WireCursor rdata(response_, record.rdata_begin, record.end, &names_);
  const RdataRead read = ReadRdata(record.type, rdata, nullptr);
  const size_t fields = RdataForm(record.type).size() + read.repeated_fields;
  const size_t name_octets = owner_size_ + names_.octets() - names_before_rdata;
  if (!rdata.AtEnd() || !LdnsAgrees(record, fields, name_octets)) return false;
  if (!listing_) return true;
  record.ttl = (ttl & kTtlTopBit) != 0 ? 0 : ttl;
  const bool is_pointer = LoadU16(&response_[record.begin]) == kPointerToQname;
  record.must_rewrite = read.must_expand || (record.owner_hash == qname_hash_ && !is_pointer);
  record.covered = record.type == QType::kRrsig
                       ? static_cast<QType>(LoadU16(&response_[record.rdata_begin]))
                       : record.type;
  walked_.records.push_back(record);
  return true;
}

bool Walker::ReadOpt(const ResponseRecord& record, uint16_t klass, uint32_t ttl) {
  listing_ = false;
  const bool root_owner = response_[record.begin] == 0;
  if (walked_.edns.present || record.section != Section::kAdditional || !root_owner) return false;
  const Bytes rdata = response_.subspan(record.rdata_begin, record.rdata_size());
  const std::optional<EdnsInfo> edns = ParseOpt(klass, ttl, rdata, EdnsSender::kUpstream);
  if (!edns.has_value() || edns->version != 0) return false;
  walked_.edns = *edns;
  walked_.extra_text = rdata.subspan(edns->extra_text_at, edns->extra_text_size);
  return LdnsAgrees(record, 0, 0);
}

bool Walker::LdnsAgrees(const ResponseRecord& record, size_t fields, size_t name_octets) {
  if (!LdnsKnowsFormOf(record.type)) return true;
  // A record beyond the limit is checked by the walk only. Passing it to ldns would let a server
  // exhaust CPU time and memory.
  const size_t octets =
      fields * (kFieldOctets + record.rdata_size()) + kNameOctetCost * name_octets;
  if (octets > kMaxLdnsOctets - ldns_octets_) return true;
  ldns_octets_ += octets;
  ldns_rr* parsed = nullptr;
  size_t position = record.begin;
  const ldns_status status =
      ldns_wire2rr(&parsed, response_.data(), record.end, &position, LDNS_SECTION_ANSWER);
  const LdnsRr owner(parsed);
  return status == LDNS_STATUS_OK && position == record.end;
}

size_t Walker::ReadOwner() {
  const size_t begin = cursor_.position();
  const uint16_t first_two = cursor_.remaining() < 2 ? uint16_t{0} : LoadU16(&response_[begin]);
  const bool is_pointer = first_two >= (kPointerBits << 8);
  if (is_pointer && first_two == last_pointer_) {
    cursor_.Skip(2);
    owner_size_ = last_size_;
    return last_hash_;
  }
  const DomainName owner = cursor_.ReadName().Canonical();
  const size_t hash = HashName(owner);
  owner_size_ = owner.size();
  if (is_pointer) {
    last_pointer_ = first_two;
    last_hash_ = hash;
    last_size_ = owner.size();
  }
  return hash;
}

DomainName NameAt(Bytes response, size_t begin, size_t end) {
  return WireCursor(response, begin, end).ReadName().Canonical();
}

}  // namespace

size_t HashName(const DomainName& canonical) { return absl::HashOf(canonical); }

std::optional<WalkedResponse> WalkResponse(Bytes response, size_t records_begin) {
  return Walker(response, records_begin).Walk();
}

DomainName OwnerName(Bytes response, const ResponseRecord& record) {
  return NameAt(response, record.begin, record.end);
}

DomainName TargetName(Bytes response, const ResponseRecord& record) {
  return NameAt(response, record.rdata_begin, record.end);
}

void LowerToRrsetTtls(ResponseRecords& records) {
  const auto differ = [](const ResponseRecord& a, const ResponseRecord& b) {
    return a.ttl != b.ttl;
  };
  if (std::adjacent_find(records.begin(), records.end(), differ) == records.end()) return;
  const auto rrset = [](const ResponseRecord& record) {
    return std::make_pair(record.owner_hash, record.covered);
  };
  std::vector<ResponseRecord*> sorted;
  for (ResponseRecord& record : records) sorted.push_back(&record);
  std::sort(sorted.begin(), sorted.end(), [&rrset](const auto* a, const auto* b) {
    return std::make_pair(rrset(*a), a->ttl) < std::make_pair(rrset(*b), b->ttl);
  });
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (rrset(*sorted[i]) == rrset(*sorted[i - 1])) sorted[i]->ttl = sorted[i - 1]->ttl;
  }
}

}  // namespace dotcache
