// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/loop_probe.h"

#include <netinet/in.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "net/listen_socket.h"

namespace dotcache {
namespace {

constexpr size_t kDigits = 16;
constexpr absl::string_view kLabel = "_loop-check";

struct V4Prefix {
  uint32_t address;
  int length_bits;
};

// Addresses of the IANA registry of special-purpose IPv4 addresses that are not globally reachable
// and that a server may have.
constexpr V4Prefix kNotGlobalV4[] = {
    {0x0a000000, 8},   // 10.0.0.0/8
    {0x64400000, 10},  // 100.64.0.0/10
    {0x7f000000, 8},   // 127.0.0.0/8
    {0xa9fe0000, 16},  // 169.254.0.0/16
    {0xac100000, 12},  // 172.16.0.0/12
    {0xc0a80000, 16},  // 192.168.0.0/16
    {0xc6120000, 15},  // 198.18.0.0/15
};

bool IsNotGlobalV4(const uint8_t* octets) {
  const uint32_t address = LoadU32(octets);
  return std::any_of(std::begin(kNotGlobalV4), std::end(kNotGlobalV4),
                     [address](const V4Prefix& prefix) {
                       return (address ^ prefix.address) >> (32 - prefix.length_bits) == 0;
                     });
}

bool IsNotGlobal(const Endpoint& server) {
  const uint8_t* octets = server.octets().data();
  if (!server.is_v6()) return IsNotGlobalV4(octets);
  const in6_addr* address = &reinterpret_cast<const sockaddr_in6*>(server.address())->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(address)) return IsNotGlobalV4(octets + 12);
  const bool unique_local = (octets[0] & 0xfe) == 0xfc;
  return IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_LINKLOCAL(address) || unique_local;
}

}  // namespace

std::optional<DomainName> LoopProbeName(uint64_t number, const DomainName& zone) {
  const std::string text = absl::StrCat(absl::Hex(number, absl::kZeroPad16), ".", kLabel, ".",
                                        zone.LabelCount() == 0 ? "" : zone.ToString());
  const auto name = DomainName::FromText(text);
  return name.ok() ? std::optional(name->Canonical()) : std::nullopt;
}

std::optional<uint64_t> ReadLoopProbeName(const DomainName& name) {
  const Bytes wire = name.wire();
  if (wire[0] != kDigits || wire[1 + kDigits] != kLabel.size()) return std::nullopt;
  const auto text = [&wire](size_t at, size_t size) {
    return absl::string_view(reinterpret_cast<const char*>(&wire[at]), size);
  };
  if (text(2 + kDigits, kLabel.size()) != kLabel) return std::nullopt;
  uint64_t number = 0;
  if (!absl::SimpleHexAtoi(text(1, kDigits), &number)) return std::nullopt;
  return number;
}

bool MayLeadBack(const Endpoint& server) { return IsNotGlobal(server) || IsOwnAddress(server); }

}  // namespace dotcache
