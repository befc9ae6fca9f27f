// SPDX-License-Identifier: Apache-2.0
// An IP address with a port.
#ifndef DOTCACHE_NET_ENDPOINT_H_
#define DOTCACHE_NET_ENDPOINT_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/bytes.h"

namespace dotcache {

// An IPv4 or IPv6 address with a port. A link-local IPv6 address also has a zone, which is an
// interface index. A value type.
class Endpoint {
 public:
  // 0.0.0.0:0.
  Endpoint();

  // Takes a complete socket address of family AF_INET or AF_INET6. Any other family gives
  // 0.0.0.0:0.
  static Endpoint FromSockaddr(const sockaddr* address);

  // Parses "192.0.2.1:53", "[2001:db8::1]:53" or "[fe80::1%eth0]:53". The port is optional when
  // `default_port` is not 0. An IPv6 address without a port then needs no brackets. The error
  // kInvalidArgument names the fault and gives a correct example.
  static absl::StatusOr<Endpoint> Parse(absl::string_view text, uint16_t default_port = 0);

  // Parses an address without port or brackets.
  static absl::StatusOr<Endpoint> ParseAddress(absl::string_view text, uint16_t port);

  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t address_size() const;
  int family() const { return storage_.v4.sin_family; }
  bool is_v6() const { return family() == AF_INET6; }
  uint16_t port() const;
  void set_port(uint16_t port);
  // The address in network byte order: 4 or 16 octets.
  Bytes octets() const;
  // The interface index of a link-local IPv6 address, otherwise 0.
  uint32_t zone() const { return is_v6() ? storage_.v6.sin6_scope_id : 0; }
  bool is_wildcard() const;
  bool is_loopback() const;

  // "192.0.2.1:53", "[2001:db8::1]:53" or "[fe80::1%eth0]:53".
  std::string ToString() const;
  // "192.0.2.1" or "2001:db8::1", without the zone.
  std::string AddressToString() const;

  friend bool operator==(const Endpoint& a, const Endpoint& b);

  template <typename H>
  friend H AbslHashValue(H state, const Endpoint& e) {
    state = H::combine(std::move(state), e.family(), e.port(), e.zone());
    return H::combine_contiguous(std::move(state), e.octets().data(), e.octets().size());
  }

 private:
  union Storage {
    sockaddr_in v4;
    sockaddr_in6 v6;
  } storage_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_ENDPOINT_H_
