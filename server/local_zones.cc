#include "server/local_zones.h"

#include <array>
#include <string>

#include "absl/strings/str_cat.h"
#include "dns/message_writer.h"

namespace dotcache {
namespace {

// RFC 6303 section 3 gives the SOA's numbers; its TTL bounds how long a client believes it.
constexpr uint32_t kZoneTtl = 10800;
constexpr std::array<uint32_t, 5> kSoaNumbers = {1, 3600, 1200, 604800, kZoneTtl};

constexpr absl::string_view kNamedZones[] = {
    "localhost", "invalid", "test", "local", "onion", "home.arpa", "resolver.arpa", "alt",
    // RFC 6303 section 4, IPv4.
    "0.in-addr.arpa", "10.in-addr.arpa", "127.in-addr.arpa", "254.169.in-addr.arpa",
    "168.192.in-addr.arpa", "2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa",
    "113.0.203.in-addr.arpa", "255.255.255.255.in-addr.arpa",
    // IPv6: unspecified and loopback, unique local, link-local, documentation.
    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", "c.f.ip6.arpa",
    "d.f.ip6.arpa", "8.e.f.ip6.arpa", "9.e.f.ip6.arpa", "a.e.f.ip6.arpa", "b.e.f.ip6.arpa",
    "8.b.d.0.1.0.0.2.ip6.arpa"};

constexpr absl::string_view kLoopbackPtrs[] = {
    "1.0.0.127.in-addr.arpa",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"};

DomainName Name(absl::string_view text) { return *DomainName::FromText(text); }

absl::flat_hash_set<DomainName> AllZones() {
  absl::flat_hash_set<DomainName> zones;
  for (absl::string_view text : kNamedZones) zones.insert(Name(text));
  for (int i = 16; i <= 31; ++i) zones.insert(Name(absl::StrCat(i, ".172.in-addr.arpa")));
  for (int i = 64; i <= 127; ++i) zones.insert(Name(absl::StrCat(i, ".100.in-addr.arpa")));
  return zones;
}

// The deepest zone of `zones` at or above `name`, as the count of labels above it; -1 for none.
int LabelsAbove(const absl::flat_hash_set<DomainName>& zones, const DomainName& name) {
  const int count = name.LabelCount();
  for (int above = 0; above < count; ++above) {
    if (zones.contains(name.WithoutLabels(above))) return above;
  }
  return -1;
}

void Append(Bytes octets, WireMessage& out) { out.insert(out.end(), octets.begin(), octets.end()); }

// MNAME is the zone itself, RNAME nobody.invalid. (RFC 6303 section 3).
WireMessage SoaRdata(const DomainName& zone) {
  WireMessage rdata;
  Append(zone.wire(), rdata);
  Append(Name("nobody.invalid").wire(), rdata);
  for (uint32_t number : kSoaNumbers) {
    std::array<uint8_t, 4> octets;
    StoreU32(octets.data(), number);
    Append(octets, rdata);
  }
  return rdata;
}

// What the zone holds at the question's name and type; empty for nothing.
WireMessage AnswerRdata(const Question& question, const DomainName& zone) {
  static constexpr std::array<uint8_t, 4> kLoopback4 = {127, 0, 0, 1};
  static constexpr std::array<uint8_t, 16> kLoopback6 = {0, 0, 0, 0, 0, 0, 0, 0,
                                                         0, 0, 0, 0, 0, 0, 0, 1};
  WireMessage rdata;
  const bool at_apex = question.qname == zone;
  if (at_apex && question.qtype == QType::kSoa) return SoaRdata(zone);
  if (at_apex && question.qtype == QType::kNs) {
    Append(zone.wire(), rdata);
  } else if (zone == Name("localhost")) {
    if (question.qtype == QType::kA) Append(kLoopback4, rdata);
    if (question.qtype == QType::kAaaa) Append(kLoopback6, rdata);
  } else if (question.qtype == QType::kPtr) {
    for (absl::string_view loopback : kLoopbackPtrs) {
      if (question.qname == Name(loopback)) Append(Name("localhost").wire(), rdata);
    }
  }
  return rdata;
}

// True for a name that the zone has: its apex, localhost's subdomains (RFC 6761 section 6.3), what
// clients ask resolver.arpa for (RFC 9462 section 6.4: NODATA), and the loopback PTRs with the
// names above them.
bool NameExists(const DomainName& qname, const DomainName& zone) {
  if (qname == zone || zone == Name("localhost") || zone == Name("resolver.arpa")) return true;
  for (absl::string_view loopback : kLoopbackPtrs) {
    if (Name(loopback).IsAtOrBelow(qname)) return true;
  }
  return false;
}

}  // namespace

LocalZones::LocalZones(absl::Span<const DomainName> forwarded) : zones_(AllZones()) {
  for (const DomainName& zone : forwarded) {
    if (zone.LabelCount() > 0) forwarded_.insert(zone.Canonical());
  }
}

std::optional<StoredMessage> LocalZones::Answer(const Question& question) const {
  const int above = LabelsAbove(zones_, question.qname);
  if (above < 0) return std::nullopt;
  const int forwarded_above = LabelsAbove(forwarded_, question.qname);
  if (forwarded_above >= 0 && forwarded_above <= above) return std::nullopt;
  const DomainName zone = question.qname.WithoutLabels(above);

  const WireMessage answer = AnswerRdata(question, zone);
  MessageHeader header;
  header.flags = kFlagQr | kFlagRa;
  if (answer.empty() && !NameExists(question.qname, zone)) {
    header.flags |= static_cast<uint16_t>(Rcode::kNxDomain);
  }
  StoredMessage message;
  message.wire.resize(kHeaderSize + question.wire_size() + 2 * kMaxNameSize + 128);
  MessageWriter writer(absl::MakeSpan(message.wire), header);
  writer.AddQuestion(question.qname, question.qtype, question.qclass);
  const size_t record_at = writer.size();
  DomainName owner = question.qname;
  if (answer.empty()) {
    owner = zone;
    writer.AddAuthority(zone, QType::kSoa, kZoneTtl, SoaRdata(zone));
  } else {
    writer.AddAnswer(owner, question.qtype, kZoneTtl, answer);
  }
  message.wire.resize(writer.size());
  message.ttl_offsets.push_back(static_cast<uint16_t>(record_at + owner.size() + 4));
  return message;
}

}  // namespace dotcache
