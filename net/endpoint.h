// SPDX-License-Identifier: Apache-2.0
// An IP address with a port.
#ifndef DOTCACHE_NET_ENDPOINT_H_
#define DOTCACHE_NET_ENDPOINT_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/bytes.h"

namespace dotcache {

// An IPv4 or IPv6 address with a port. A link-local IPv6 address also has a zone: an interface by
// index or, if it was parsed, by name. An interface that is removed and added again has another
// index and the same name. A value type.
class Endpoint {
 public:
  // Whether the interface of an address must exist when the address is parsed.
  enum class Interface { kMustExist, kMayComeLater };

  // 0.0.0.0:0.
  Endpoint();

  // Takes a complete socket address of family AF_INET or AF_INET6. Any other family gives
  // 0.0.0.0:0.
  static Endpoint FromSockaddr(const sockaddr* address);

  // Parses "192.0.2.1:53", "[2001:db8::1]:53" or "[fe80::1%eth0]:53". The port is optional when
  // `default_port` is not 0. An IPv6 address without a port then needs no brackets. The error
  // kInvalidArgument names the fault and gives a correct example.
  static absl::StatusOr<Endpoint> Parse(absl::string_view text, uint16_t default_port = 0,
                                        Interface interface = Interface::kMustExist);

  // Parses an address without port or brackets.
  static absl::StatusOr<Endpoint> ParseAddress(absl::string_view text, uint16_t port,
                                               Interface interface = Interface::kMustExist);

  // The same with the index that its interface has now. Reads the list of interfaces if the zone
  // has a name. kUnavailable: this machine has no such interface.
  absl::StatusOr<Endpoint> Current() const;

  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t address_size() const;
  int family() const { return storage_.v4.sin_family; }
  bool is_v6() const { return family() == AF_INET6; }
  uint16_t port() const;
  void set_port(uint16_t port);
  // The address in network byte order: 4 or 16 octets.
  Bytes octets() const;
  bool is_link_local() const {
    return is_v6() && IN6_IS_ADDR_LINKLOCAL(&storage_.v6.sin6_addr) != 0;
  }
  // The interface of a link-local address: its name as parsed, or empty; and the index that it had
  // then, 0 if there was none.
  absl::string_view interface() const { return interface_.data(); }
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
    const uint32_t zone = e.interface().empty() ? e.zone() : 0;
    state = H::combine(std::move(state), e.family(), e.port(), e.interface(), zone);
    return H::combine_contiguous(std::move(state), e.octets().data(), e.octets().size());
  }

 private:
  union Storage {
    sockaddr_in v4;
    sockaddr_in6 v6;
  } storage_;
  static constexpr size_t kInterfaceSize = 16;    // IF_NAMESIZE.
  std::array<char, kInterfaceSize> interface_{};  // With a NUL at the end.
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_ENDPOINT_H_
