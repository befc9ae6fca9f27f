// SPDX-License-Identifier: Apache-2.0
#include "net/endpoint.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

template <typename... Pieces>
absl::Status Invalid(absl::string_view text, const Pieces&... what) {
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\": ", what...));
}

// Parses "53". Only digits are allowed, because SimpleAtoi() also accepts a sign and spaces.
absl::StatusOr<uint16_t> ParsePort(absl::string_view text, absl::string_view port) {
  uint32_t value = 0;
  const bool digits =
      !port.empty() && port.size() <= 5 &&
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || !absl::SimpleAtoi(port, &value) || value > 65535) {
    return Invalid(text, "\"", port, "\" is not a port; write a number from 0 to 65535, e.g. 853");
  }
  return static_cast<uint16_t>(value);
}

bool MayBeInterface(absl::string_view name) {
  return !name.empty() && name.size() < IF_NAMESIZE &&
         name.find_first_of(absl::string_view("/:% \t\n\0", 7)) == name.npos;
}

// Converts "eth0" or "2" to an interface index: 0 if it may come later.
absl::StatusOr<uint32_t> ParseZone(absl::string_view text, const in6_addr& address,
                                   absl::string_view zone, Endpoint::Interface interface) {
  if (!IN6_IS_ADDR_LINKLOCAL(&address)) {
    return Invalid(text, "only link-local addresses (fe80::/10) have a zone; leave out \"%", zone,
                   "\"");
  }
  const uint32_t named = if_nametoindex(std::string(zone).c_str());
  if (named != 0) return named;
  uint32_t index = 0;
  if (absl::SimpleAtoi(zone, &index) && index != 0) return index;
  if (interface == Endpoint::Interface::kMayComeLater && MayBeInterface(zone)) return uint32_t{0};
  return Invalid(text, "this machine has no interface \"", zone, "\"; write e.g. fe80::1%eth0");
}

}  // namespace

Endpoint::Endpoint() {
  static_assert(kInterfaceSize == IF_NAMESIZE);
  std::memset(&storage_, 0, sizeof storage_);
  storage_.v4.sin_family = AF_INET;
}

Endpoint Endpoint::FromSockaddr(const sockaddr* address) {
  Endpoint endpoint;
  if (address->sa_family == AF_INET) {
    std::memcpy(&endpoint.storage_.v4, address, sizeof(sockaddr_in));
  } else if (address->sa_family == AF_INET6) {
    std::memcpy(&endpoint.storage_.v6, address, sizeof(sockaddr_in6));
  }
  return endpoint;
}

absl::StatusOr<Endpoint> Endpoint::Parse(absl::string_view text, uint16_t default_port,
                                         Interface interface) {
  absl::string_view address = text;
  absl::string_view port;
  bool has_port = false;
  const size_t colon = text.rfind(':');
  if (!text.empty() && text.front() == '[') {
    const size_t bracket = text.find(']');
    if (bracket == text.npos) return Invalid(text, "\"]\" is missing; write e.g. [2001:db8::1]:53");
    address = text.substr(1, bracket - 1);
    const absl::string_view rest = text.substr(bracket + 1);
    has_port = !rest.empty();
    if (has_port && rest.front() != ':') {
      return Invalid(text, "\"]\" must be followed by \":\" and a port, e.g. [2001:db8::1]:53");
    }
    if (has_port) port = rest.substr(1);
    if (address.find(':') == address.npos) {
      return Invalid(text, "brackets are for IPv6 addresses; write e.g. 192.0.2.1:53");
    }
  } else if (colon != text.npos && text.find(':') == colon) {
    address = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  } else if (colon != text.npos && default_port == 0) {
    return Invalid(text, "an IPv6 address with a port needs brackets; write e.g. [2001:db8::1]:53");
  }
  uint16_t number = default_port;
  if (has_port) {
    ASSIGN_OR_RETURN(number, ParsePort(text, port));
  }
  ASSIGN_OR_RETURN(Endpoint endpoint, ParseAddress(address, number, interface));
  if (!has_port && default_port == 0) {
    return Invalid(text, "the port is missing; write e.g. ", text, ":53");
  }
  return endpoint;
}

absl::StatusOr<Endpoint> Endpoint::ParseAddress(absl::string_view text, uint16_t port,
                                                Interface interface) {
  Endpoint endpoint;
  const size_t percent = text.find('%');
  std::string address(text.substr(0, percent));
  if (text.find('\0') != text.npos) address.clear();  // inet_pton() would stop at the NUL.
  if (inet_pton(AF_INET, address.c_str(), &endpoint.storage_.v4.sin_addr) == 1 &&
      percent == text.npos) {
    endpoint.set_port(port);
    return endpoint;
  }
  in6_addr v6;
  if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) {
    return Invalid(text, "not an IP address; write e.g. 192.0.2.1 or 2001:db8::1, not a host name");
  }
  endpoint.storage_.v6 = sockaddr_in6{};
  endpoint.storage_.v6.sin6_family = AF_INET6;
  endpoint.storage_.v6.sin6_addr = v6;
  if (percent != text.npos) {
    const absl::string_view zone = text.substr(percent + 1);
    ASSIGN_OR_RETURN(endpoint.storage_.v6.sin6_scope_id, ParseZone(text, v6, zone, interface));
    uint32_t number = 0;
    if (MayBeInterface(zone) && !absl::SimpleAtoi(zone, &number)) {
      std::copy(zone.begin(), zone.end(), endpoint.interface_.begin());
    }
  }
  endpoint.set_port(port);
  return endpoint;
}

absl::StatusOr<Endpoint> Endpoint::Current() const {
  if (interface().empty()) return *this;
  Endpoint current = *this;
  current.storage_.v6.sin6_scope_id = if_nametoindex(interface_.data());
  if (current.zone() != 0) return current;
  return absl::UnavailableError(
      absl::StrCat("this machine has no interface \"", interface(), "\" now"));
}

socklen_t Endpoint::address_size() const {
  return is_v6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

uint16_t Endpoint::port() const {
  return ntohs(is_v6() ? storage_.v6.sin6_port : storage_.v4.sin_port);
}

void Endpoint::set_port(uint16_t port) {
  (is_v6() ? storage_.v6.sin6_port : storage_.v4.sin_port) = htons(port);
}

Bytes Endpoint::octets() const {
  if (is_v6()) return Bytes(storage_.v6.sin6_addr.s6_addr, sizeof(in6_addr));
  return Bytes(reinterpret_cast<const uint8_t*>(&storage_.v4.sin_addr), sizeof(in_addr));
}

bool Endpoint::is_wildcard() const {
  const Bytes all = octets();
  return std::all_of(all.begin(), all.end(), [](uint8_t octet) { return octet == 0; });
}

bool Endpoint::is_loopback() const {
  if (!is_v6()) return octets()[0] == 127;
  const in6_addr* address = &storage_.v6.sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(address) ||
         (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

std::string Endpoint::ToString() const {
  if (!is_v6()) return absl::StrCat(AddressToString(), ":", port());
  std::string zone_text;
  if (!interface().empty()) {
    zone_text = absl::StrCat("%", interface());
  } else if (zone() != 0) {
    char name[IF_NAMESIZE];
    zone_text = if_indextoname(zone(), name) != nullptr ? absl::StrCat("%", name)
                                                        : absl::StrCat("%", zone());
  }
  return absl::StrCat("[", AddressToString(), zone_text, "]:", port());
}

std::string Endpoint::AddressToString() const {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(family(), octets().data(), text, sizeof text);
}

bool operator==(const Endpoint& a, const Endpoint& b) {
  const bool same_zone =
      a.interface() == b.interface() && (!a.interface().empty() || a.zone() == b.zone());
  return a.family() == b.family() && a.port() == b.port() && same_zone && a.octets() == b.octets();
}

}  // namespace dotcache
