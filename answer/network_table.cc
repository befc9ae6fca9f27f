// SPDX-License-Identifier: Apache-2.0
#include "answer/network_table.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/bytes.h"

namespace dotcache {
namespace {

constexpr std::array<uint8_t, 12> kV4Mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Reads octets in network byte order.
template <typename Number>
Number NumberOf(Bytes octets) {
  Number number = 0;
  for (const uint8_t octet : octets) number = number << 8 | octet;
  return number;
}

template <typename Number>
size_t FindIn(const std::vector<Number>& starts, const std::vector<size_t>& networks,
              Number address) {
  const auto next = std::upper_bound(starts.begin(), starts.end(), address);
  return networks[static_cast<size_t>(next - starts.begin()) - 1];
}

}  // namespace

NetworkTable::NetworkTable(absl::Span<const AddressPrefix> networks)
    : v4_(Cut<uint32_t>(networks, false)), v6_(Cut<absl::uint128>(networks, true)) {}

template <typename Number>
NetworkTable::Ranges<Number> NetworkTable::Cut(absl::Span<const AddressPrefix> networks,
                                               bool is_v6) {
  struct Network {
    Number first;
    Number last;
    int length_bits;
    size_t place;
  };
  constexpr size_t kOctets = sizeof(Number);
  std::vector<Network> members;
  std::set<Number> starts = {0};
  for (size_t i = 0; i < networks.size(); ++i) {
    const AddressPrefix& prefix = networks[i];
    if (prefix.is_v6() != is_v6) continue;
    const auto last = prefix.Last();
    members.push_back({NumberOf<Number>(prefix.First()),
                       NumberOf<Number>(Bytes(last.data(), kOctets)), prefix.length_bits(), i});
    starts.insert(members.back().first);
    const Number after = members.back().last + 1;  // 0 after the last address.
    if (after != 0) starts.insert(after);
  }
  // The longest first. Of equal networks, the first stays the first.
  std::stable_sort(members.begin(), members.end(), [](const Network& a, const Network& b) {
    return a.length_bits > b.length_bits;
  });
  Ranges<Number> ranges;
  for (const Number& start : starts) {
    const auto longest = std::find_if(members.begin(), members.end(), [&](const Network& network) {
      return network.first <= start && start <= network.last;
    });
    const size_t place = longest == members.end() ? kNone : longest->place;
    if (!ranges.networks.empty() && ranges.networks.back() == place) continue;
    ranges.starts.push_back(start);
    ranges.networks.push_back(place);
  }
  return ranges;
}

size_t NetworkTable::Find(const Endpoint& address) const {
  Bytes octets = address.octets();
  if (address.is_v6()) {
    if (!std::equal(kV4Mapped.begin(), kV4Mapped.end(), octets.begin())) {
      return FindIn(v6_.starts, v6_.networks, NumberOf<absl::uint128>(octets));
    }
    octets.remove_prefix(kV4Mapped.size());
  }
  return FindIn(v4_.starts, v4_.networks, NumberOf<uint32_t>(octets));
}

}  // namespace dotcache
