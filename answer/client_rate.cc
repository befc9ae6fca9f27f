// SPDX-License-Identifier: Apache-2.0
#include "answer/client_rate.h"

#include <algorithm>
#include <utility>

#include "core/bytes.h"
#include "core/names.h"

namespace dotcache {
namespace {

constexpr size_t kClients = 16384;       // 128 KiB.
constexpr size_t kSites = 2048;          // 16 KiB.
constexpr size_t kSiteOctets = 6;        // An IPv6 /48 (RFC 6177).
constexpr int kMostPerSecond = 100'000;  // EventRate.
constexpr int kMostAtOnce = 1'000'000;
constexpr uint64_t kProved = 0x5851f42d4c957f2d;  // Makes another key of the same client.

// A rate of 0 needs a valid one too, because its buckets exist.
EventRate Times(const EventRate& rate, int factor) {
  const auto product = [factor](int value, int most) {
    return static_cast<int>(std::clamp<int64_t>(int64_t{factor} * value, 1, most));
  };
  return {product(rate.per_second, kMostPerSecond), product(rate.burst, kMostAtOnce)};
}

constexpr absl::string_view kOverRateNames[] = {"truncate", "refuse", "drop"};

}  // namespace

absl::string_view OverRateName(OverRate action) { return NameInOrder(kOverRateNames, action); }

ClientRate::Buckets::Buckets(const EventRate& wanted)
    : rate(wanted.burst == 0 ? EventRate{wanted.per_second, 2 * wanted.per_second} : wanted),
      clients(rate.per_second == 0 ? RateTable::kLeastKeys : kClients),
      sites(rate.per_second == 0 ? RateTable::kLeastKeys : kSites) {}

ClientRate::ClientRate(const ClientRateOptions& options, const std::vector<EventRate>& others)
    : options_(options), others_(others) {
  buckets_.emplace_back(options.rate);
  for (const EventRate& rate : others) buckets_.emplace_back(rate);
}

bool ClientRate::enabled() const {
  return std::any_of(buckets_.begin(), buckets_.end(),
                     [](const Buckets& buckets) { return buckets.rate.per_second > 0; });
}

bool ClientRate::Allows(const Endpoint& client, size_t rate, bool proved, MonoTime now) {
  Buckets& buckets = buckets_[rate];
  if (buckets.rate.per_second == 0) return true;
  if (rate == 0 && client.is_loopback()) return true;
  const ClientKey key(client);
  const uint64_t salt = proved ? kProved : 0;
  bool allowed = buckets.clients.Take(key.Hash(seed_) ^ salt, Times(buckets.rate, 1), now);
  if (allowed && client.is_v6()) {
    const uint64_t site = SipHash13(seed_, client.octets().first(kSiteOctets));
    allowed = buckets.sites.Take(site ^ salt, Times(buckets.rate, kSiteFactor), now);
  }
  if (!allowed) NoteLimited(key, client);
  return allowed;
}

void ClientRate::NoteLimited(const ClientKey& client, const Endpoint& address) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) {
    limited_beyond_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  auto found = limited_.find(client);
  if (found == limited_.end()) {
    if (limited_.size() >= kMaxLimited) {
      limited_beyond_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    found = limited_.try_emplace(client, LimitedClient{ClientNetwork(address), 0}).first;
  }
  ++found->second.queries;
}

std::vector<LimitedClient> ClientRate::TakeLimited() {
  absl::flat_hash_map<ClientKey, LimitedClient> limited;
  std::vector<LimitedClient> clients;
  {
    const std::lock_guard lock(mutex_);
    limited.swap(limited_);
  }
  const uint64_t beyond = limited_beyond_.exchange(0, std::memory_order_relaxed);
  if (beyond > 0) clients.push_back({"", beyond});
  for (auto& [key, client] : limited) clients.push_back(std::move(client));
  std::sort(clients.begin(), clients.end(), [](const LimitedClient& a, const LimitedClient& b) {
    return a.queries != b.queries ? a.queries > b.queries : a.network < b.network;
  });
  return clients;
}

}  // namespace dotcache
