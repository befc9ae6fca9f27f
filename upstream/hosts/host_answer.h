// SPDX-License-Identifier: Apache-2.0
// The addresses and the port of a host name, from DNS responses.
#ifndef DOTCACHE_UPSTREAM_HOSTS_HOST_ANSWER_H_
#define DOTCACHE_UPSTREAM_HOSTS_HOST_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "dns/question.h"
#include "dns/response.h"
#include "net/endpoint.h"

namespace dotcache {

// Servers (slots) of one host name. Further addresses are not used.
inline constexpr size_t kMaxHostAddresses = 8;

// Limits of the time until the name is resolved again, for any TTL.
inline constexpr Seconds kMinHostTtl{10};
inline constexpr Seconds kMaxHostTtl{86400};

// The contents of one response. For A and AAAA: its addresses. For SVCB (RFC 9461): port and
// address hints of its best usable record. A usable record is in service mode, for the host itself,
// has `dot` among its ALPN ids, and no unknown mandatory parameter. All are empty after a denial.
// Addresses have port 0; unspecified, multicast and mapped ones are left out.
struct HostRecords {
  std::vector<Endpoint> v4;
  std::vector<Endpoint> v6;
  std::optional<uint16_t> port;
  Seconds ttl{0};
};

// nullopt for an error. REQUIRES: `facts` are InspectResponse()'s for these
// very octets and `question`, which is A or AAAA of the host, or SVCB of `_dns.` before it.
std::optional<HostRecords> ReadHostResponse(Bytes response, const ResponseFacts& facts,
                                            const Question& question);

// The latest answer to each of the three questions; nullopt before the first response.
struct HostKnowledge {
  std::optional<HostRecords> a;
  std::optional<HostRecords> aaaa;
  std::optional<HostRecords> svcb;
};

// The addresses to use, at most kMaxHostAddresses and half of them IPv4 where there are enough of
// both, families taking turns with IPv6 first (RFC 8305 section 4). Hints stand in for a family
// while its own question has no response (RFC 9460 section 7.3), and for both where both responses
// deny. The port is the one given;
// where that is 0 the one of the SVCB record, or else 853.
std::vector<Endpoint> AddressesOf(const HostKnowledge& known, uint16_t port);

// How long: the least TTL of what was used, within the bounds above.
Seconds TtlOf(const HostKnowledge& known);

// Which slot has which address from now on: an address that stays keeps its slot, new ones take
// those that are free. REQUIRES: addresses.size() <= slots.size().
std::vector<std::optional<Endpoint>> AssignSlots(absl::Span<const std::optional<Endpoint>> slots,
                                                 absl::Span<const Endpoint> addresses);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_HOSTS_HOST_ANSWER_H_
