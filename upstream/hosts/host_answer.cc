// SPDX-License-Identifier: Apache-2.0
#include "upstream/hosts/host_answer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "absl/strings/string_view.h"
#include "dns/answer_chain.h"
#include "dns/response_walk.h"
#include "dns/wire_cursor.h"
#include "upstream/api/upstream_options.h"

namespace dotcache {
namespace {

// Keys of SvcParams (RFC 9460 section 14.3.2).
constexpr uint16_t kMandatory = 0;
constexpr uint16_t kAlpn = 1;
constexpr uint16_t kPort = 3;
constexpr uint16_t kIpv4Hint = 4;
constexpr uint16_t kIpv6Hint = 6;

// nullopt for an address without a server: unspecified, multicast and above, mapped.
std::optional<Endpoint> EndpointOf(Bytes octets) {
  if (octets.size() == 4) {
    if (octets[0] == 0 || octets[0] >= 224) return std::nullopt;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    std::memcpy(&address.sin_addr, octets.data(), octets.size());
    return Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&address));
  }
  if (octets.size() != 16) return std::nullopt;
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  std::memcpy(&address.sin6_addr, octets.data(), octets.size());
  const in6_addr& v6 = address.sin6_addr;
  if (IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_MULTICAST(&v6) || IN6_IS_ADDR_V4MAPPED(&v6)) {
    return std::nullopt;
  }
  return Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&address));
}

void AddAddress(Bytes octets, std::vector<Endpoint>& addresses) {
  const std::optional<Endpoint> address = EndpointOf(octets);
  if (!address.has_value() || addresses.size() >= kMaxHostAddresses) return;
  if (std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) {
    addresses.push_back(*address);
  }
}

void AddHints(WireCursor value, size_t address_size, std::vector<Endpoint>& addresses) {
  while (value.remaining() >= address_size) AddAddress(value.ReadBytes(address_size), addresses);
}

bool HasDot(WireCursor ids) {
  while (ids.ok() && ids.remaining() > 0) {
    const Bytes id = ids.ReadBytes(ids.ReadU8());
    if (absl::string_view(reinterpret_cast<const char*>(id.data()), id.size()) == "dot") {
      return ids.ok();
    }
  }
  return false;
}

bool IsKnownKey(uint16_t key) { return (key >= kAlpn && key <= kIpv4Hint) || key == kIpv6Hint; }

bool KnowsAll(WireCursor keys) {
  while (keys.ok() && keys.remaining() > 0) {
    if (!IsKnownKey(keys.ReadU16())) return false;
  }
  return keys.ok();
}

struct ServiceBinding {
  uint16_t priority = 0;
  HostRecords records;
};

// nullopt if it is of no use for DNS over TLS.
std::optional<ServiceBinding> ReadServiceBinding(Bytes response, const ResponseRecord& record,
                                                 const DomainName& host) {
  WireCursor cursor(response, record.rdata_begin, record.end);
  ServiceBinding binding;
  binding.priority = cursor.ReadU16();
  const DomainName target = cursor.ReadName().Canonical();
  // "." is the owner, `_dns.HOST`: the host under the name that the question makes of it.
  if (binding.priority == 0 || (target.LabelCount() > 0 && !(target == host))) return std::nullopt;
  bool has_dot = false;
  while (cursor.ok() && cursor.remaining() > 0) {
    const uint16_t key = cursor.ReadU16();
    const size_t size = cursor.ReadU16();
    const size_t begin = cursor.position();
    cursor.Skip(size);
    if (!cursor.ok()) return std::nullopt;
    WireCursor value(response, begin, begin + size);
    if (key == kMandatory && !KnowsAll(value)) return std::nullopt;
    if (key == kAlpn) has_dot = HasDot(value);
    if (key == kPort) {
      binding.records.port = value.ReadU16();
      if (!value.AtEnd() || *binding.records.port == 0) return std::nullopt;
    }
    if (key == kIpv4Hint) AddHints(value, 4, binding.records.v4);
    if (key == kIpv6Hint) AddHints(value, 16, binding.records.v6);
  }
  if (!has_dot || !cursor.ok()) return std::nullopt;
  return binding;
}

const std::vector<Endpoint>& Choose(const std::optional<HostRecords>& own,
                                    const std::optional<HostRecords>& svcb,
                                    std::vector<Endpoint> HostRecords::*family) {
  static const std::vector<Endpoint> kNone;
  if (own.has_value()) return (*own).*family;
  return svcb.has_value() ? (*svcb).*family : kNone;
}

}  // namespace

std::optional<HostRecords> ReadHostResponse(Bytes response, const ResponseFacts& facts,
                                            const Question& question) {
  HostRecords records;
  if (facts.kind == ResponseKind::kNoData || facts.kind == ResponseKind::kNxDomain) {
    records.ttl = Seconds(facts.soa_ttl.value_or(0));
    return records;
  }
  if (facts.kind != ResponseKind::kAnswer || facts.truncated) return std::nullopt;
  const auto walked = WalkResponse(response, kHeaderSize + question.wire_size());
  if (!walked.has_value()) return std::nullopt;
  AnswerChain chain(response, walked->records, question);
  if (chain.Follow() != AnswerChain::Outcome::kComplete || !chain.found()) return std::nullopt;

  records.ttl = Seconds(facts.answer_ttl.value_or(0));
  const DomainName host =
      question.qtype == QType::kSvcb ? question.qname.WithoutLabels(1) : question.qname;
  std::optional<ServiceBinding> best;
  for (size_t i = 0; i < chain.record_count(); ++i) {
    const ResponseRecord& record = walked->records[i];
    if (!chain.IsRelated(i) || record.type != question.qtype) continue;
    const Bytes rdata = response.subspan(record.rdata_begin, record.rdata_size());
    if (record.type == QType::kA) AddAddress(rdata, records.v4);
    if (record.type == QType::kAaaa) AddAddress(rdata, records.v6);
    if (record.type != QType::kSvcb) continue;
    std::optional<ServiceBinding> binding = ReadServiceBinding(response, record, host);
    if (!binding.has_value()) continue;
    if (!best.has_value() || binding->priority < best->priority) best = std::move(binding);
  }
  if (best.has_value()) {
    best->records.ttl = records.ttl;
    return best->records;
  }
  return records;
}

std::vector<Endpoint> AddressesOf(const HostKnowledge& known, uint16_t port) {
  if (port == 0 && known.svcb.has_value()) port = known.svcb->port.value_or(0);
  if (port == 0) port = kDotPort;
  const std::vector<Endpoint>& v4 = Choose(known.a, known.svcb, &HostRecords::v4);
  const std::vector<Endpoint>& v6 = Choose(known.aaaa, known.svcb, &HostRecords::v6);
  std::vector<Endpoint> addresses;
  if (v4.empty() && v6.empty() && (known.a.has_value() || known.aaaa.has_value())) {
    return AddressesOf({.a = {}, .aaaa = {}, .svcb = known.svcb}, port);
  }
  for (size_t i = 0; i < kMaxHostAddresses; ++i) {
    for (const std::vector<Endpoint>* family : {&v6, &v4}) {
      if (i >= family->size() || addresses.size() >= kMaxHostAddresses) continue;
      addresses.push_back((*family)[i]);
      addresses.back().set_port(port);
    }
  }
  return addresses;
}

Seconds TtlOf(const HostKnowledge& known) {
  Seconds ttl = kMaxHostTtl;
  for (const auto* part : {&known.a, &known.aaaa, &known.svcb}) {
    if (!part->has_value()) continue;
    const bool is_used = (*part)->port.has_value() || !(*part)->v4.empty() || !(*part)->v6.empty();
    if (is_used) ttl = std::min(ttl, (*part)->ttl);
  }
  return std::max(ttl, kMinHostTtl);
}

std::vector<std::optional<Endpoint>> AssignSlots(absl::Span<const std::optional<Endpoint>> slots,
                                                 absl::Span<const Endpoint> addresses) {
  assert(addresses.size() <= slots.size());
  std::vector<std::optional<Endpoint>> assigned(slots.size());
  std::vector<Endpoint> newcomers;
  for (const Endpoint& address : addresses) {
    const auto slot = std::find(slots.begin(), slots.end(), std::optional<Endpoint>(address));
    if (slot == slots.end()) {
      newcomers.push_back(address);
    } else {
      assigned[static_cast<size_t>(slot - slots.begin())] = address;
    }
  }
  // In any order they may be answered, all workers have to give them the same places.
  std::sort(newcomers.begin(), newcomers.end(),
            [](const Endpoint& a, const Endpoint& b) { return a.ToString() < b.ToString(); });
  auto place = assigned.begin();
  for (const Endpoint& address : newcomers) {
    place = std::find(place, assigned.end(), std::nullopt);
    *place = address;
  }
  return assigned;
}

}  // namespace dotcache
