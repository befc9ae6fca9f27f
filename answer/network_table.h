// SPDX-License-Identifier: Apache-2.0
// Finds the longest of many networks that contains an address.
#ifndef DOTCACHE_ANSWER_NETWORK_TABLE_H_
#define DOTCACHE_ANSWER_NETWORK_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/types/span.h"
#include "net/address_prefix.h"
#include "net/endpoint.h"

namespace dotcache {

// A table of networks, each with its place in the list that made the table. The addresses are cut
// into ranges that have the same longest network, and a search halves the sorted ranges. Immutable,
// so any thread may call it.
class NetworkTable {
 public:
  static constexpr size_t kNone = SIZE_MAX;

  // Of equal networks, the first counts.
  explicit NetworkTable(absl::Span<const AddressPrefix> networks);

  // The place of the longest network that contains the address, or kNone. An IPv4-mapped IPv6
  // address counts as the IPv4 address.
  size_t Find(const Endpoint& address) const;

 private:
  // Range i begins at starts[i] and ends before the next one. The first begins at 0.
  template <typename Number>
  struct Ranges {
    std::vector<Number> starts;
    std::vector<size_t> networks;
  };
  template <typename Number>
  static Ranges<Number> Cut(absl::Span<const AddressPrefix> networks, bool is_v6);

  Ranges<uint32_t> v4_;
  Ranges<absl::uint128> v6_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_NETWORK_TABLE_H_
