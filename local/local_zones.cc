// SPDX-License-Identifier: Apache-2.0
#include "local/local_zones.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "local/local_response.h"

namespace dotcache {
namespace {

// RFC 6303 section 3. Limits how long a client keeps an answer.
constexpr uint32_t kZoneTtl = 10800;

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

// REQUIRES: `name` is not the root.
DomainName TopLevelOf(const DomainName& name) { return name.WithoutLabels(name.LabelCount() - 1); }

// Finds the deepest zone of `zones` at or above `name`. Returns the number of labels of `name` in
// front of that zone, or -1.
int LabelsAbove(const absl::flat_hash_set<DomainName>& zones, const DomainName& name) {
  const int count = name.LabelCount();
  for (int above = 0; above < count; ++above) {
    if (zones.contains(name.WithoutLabels(above))) return above;
  }
  return -1;
}

bool IsLoopback(const DomainName& name) {
  return std::any_of(std::begin(kLoopbackPtrs), std::end(kLoopbackPtrs),
                     [&name](absl::string_view loopback) { return name == Name(loopback); });
}

// True for the DS of a local zone about which the public tree may be queried.
bool IsForParent(const Question& question, const DomainName& zone) {
  return question.qtype == QType::kDs && question.qname == zone && zone.IsAtOrBelow(Name("arpa"));
}

// A record of a zone.
struct LocalData {
  QType type;
  WireMessage rdata;
};

WireMessage OctetsOf(const DomainName& name) {
  return WireMessage(name.wire().begin(), name.wire().end());
}

// The record of the zone with the question's name and type. QTYPE ANY gets one RRset (RFC 8482
// section 4.1).
std::optional<LocalData> Find(const Question& question, const DomainName& zone) {
  const auto wants = [&question](QType type) {
    return question.qtype == type || question.qtype == QType::kAny;
  };
  if (zone == Name("localhost")) {
    if (wants(QType::kA)) return LocalData{QType::kA, {127, 0, 0, 1}};
    if (wants(QType::kAaaa)) {
      WireMessage loopback(16);
      loopback.back() = 1;
      return LocalData{QType::kAaaa, std::move(loopback)};
    }
  }
  if (question.qname == zone) {
    if (wants(QType::kPtr) && IsLoopback(zone)) {
      return LocalData{QType::kPtr, OctetsOf(Name("localhost"))};
    }
    if (wants(QType::kSoa)) {
      return LocalData{QType::kSoa, LocalResponse::SoaRdata(zone, kZoneTtl)};
    }
    if (wants(QType::kNs)) return LocalData{QType::kNs, OctetsOf(zone)};
  } else if (wants(QType::kPtr) && IsLoopback(question.qname)) {
    return LocalData{QType::kPtr, OctetsOf(Name("localhost"))};
  }
  return std::nullopt;
}

// True for names that exist in the zone:
// - its apex;
// - subdomains of localhost (RFC 6761 section 6.3);
// - names below resolver.arpa, which clients query (RFC 9462 section 6.4: NODATA);
// - the loopback PTRs and the names above them.
bool NameExists(const DomainName& qname, const DomainName& zone) {
  if (qname == zone || zone == Name("localhost") || zone == Name("resolver.arpa")) return true;
  for (absl::string_view loopback : kLoopbackPtrs) {
    if (Name(loopback).IsAtOrBelow(qname)) return true;
  }
  return false;
}

bool IsAtOrBelowAny(const DomainName& name, absl::Span<const DomainName> ancestors) {
  return std::any_of(ancestors.begin(), ancestors.end(),
                     [&name](const DomainName& ancestor) { return name.IsAtOrBelow(ancestor); });
}

}  // namespace

LocalZones::LocalZones(absl::Span<const DomainName> forwarded, absl::Span<const DomainName> except)
    : zones_(AllZones()) {
  for (const DomainName& zone : forwarded) {
    if (zone.LabelCount() == 0) continue;
    forwarded_.insert(zone.Canonical());
    for (int above = 0; above < zone.LabelCount(); ++above) {
      above_forwarded_.insert(zone.Canonical().WithoutLabels(above));
    }
  }
  absl::erase_if(zones_, [except](const DomainName& zone) { return IsAtOrBelowAny(zone, except); });
  for (const DomainName& zone : zones_) top_level_.insert(TopLevelOf(zone));
}

std::vector<absl::string_view> LocalZones::Names() {
  std::vector<absl::string_view> names(std::begin(kNamedZones), std::end(kNamedZones));
  names.insert(names.end(), {"172.in-addr.arpa", "100.in-addr.arpa"});
  return names;
}

bool LocalZones::HoldsZoneAtOrBelow(const DomainName& name) {
  const absl::flat_hash_set<DomainName> zones = AllZones();
  return name.LabelCount() > 0 && std::any_of(zones.begin(), zones.end(), [&](const auto& zone) {
           return zone.IsAtOrBelow(name);
         });
}

std::optional<StoredMessage> LocalZones::Answer(const Question& question, bool exists) const {
  const bool may_have_zone =
      question.qname.size() > 1 && top_level_.contains(TopLevelOf(question.qname));
  if (!may_have_zone) return std::nullopt;
  const int above = LabelsAbove(zones_, question.qname);
  if (above < 0) return std::nullopt;
  const DomainName zone = question.qname.WithoutLabels(above);
  if (IsForParent(question, zone)) return std::nullopt;
  const DomainName name = question.NameInZone();
  const int forwarded_above = LabelsAbove(forwarded_, name);
  if (forwarded_above >= 0 && name.WithoutLabels(forwarded_above).IsAtOrBelow(zone)) {
    return std::nullopt;
  }

  if (const std::optional<LocalData> data = Find(question, zone)) {
    LocalResponse response(question, Rcode::kNoError);
    response.AddAnswer(question.qname, data->type, kZoneTtl, data->rdata);
    return response.Take();
  }
  exists = exists || above_forwarded_.contains(question.qname) || NameExists(question.qname, zone);
  LocalResponse response(question, exists ? Rcode::kNoError : Rcode::kNxDomain);
  response.AddSoa(zone, kZoneTtl);
  return response.Take();
}

}  // namespace dotcache
