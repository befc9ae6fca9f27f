// SPDX-License-Identifier: Apache-2.0
#include "query_log/pseudonyms.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace dotcache {
namespace {

constexpr int64_t kSecondsOfADay = 86400;
constexpr int kLabelsShown = 2;
constexpr size_t kOctetsShownV6 = 6;  // A /48.

std::string HashText(uint64_t hash) { return absl::StrCat(absl::Hex(hash, absl::kZeroPad16)); }

}  // namespace

void Pseudonyms::UseDay(int64_t unix_seconds) {
  const int64_t day = unix_seconds / kSecondsOfADay;
  if (day == day_) return;
  day_ = day;
  key_ = HashSeed::Random();
}

std::string Pseudonyms::NameText(const DomainName& name) const {
  switch (names_) {
    case Disclosure::kPlain:
      return name.ToString();
    case Disclosure::kHashed:
      return HashText(HashOf(name.Canonical().wire()));
    case Disclosure::kTruncated:
      return name.WithoutLabels(std::max(name.LabelCount() - kLabelsShown, 0)).ToString();
  }
  return "";
}

std::string Pseudonyms::ClientText(const Endpoint& client) const {
  if (clients_ == Disclosure::kPlain) return client.ToString();
  if (clients_ == Disclosure::kHashed) return HashText(HashOf(client.octets()));
  const Bytes address = client.octets();
  if (!client.is_v6()) return absl::StrCat(address[0], ".", address[1], ".", address[2], ".0/24");
  sockaddr_in6 network = {};
  network.sin6_family = AF_INET6;
  std::copy_n(address.begin(), kOctetsShownV6, network.sin6_addr.s6_addr);
  const auto masked = Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&network));
  return absl::StrCat(masked.AddressToString(), "/48");
}

}  // namespace dotcache
