// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/upstream_selector.h"

#include <algorithm>
#include <cassert>
#include <iterator>

#include "absl/random/distributions.h"

namespace dotcache {
namespace {

// Balanced spreads over servers up to this many times slower than the best.
constexpr double kBand = 1.5;
// How often another server is queried first, to find out whether it has become faster.
constexpr double kExploration = 0.01;

using Servers = absl::Span<const ServerView>;

// Seconds. A server not yet measured counts as the best: it must be tried to become known.
double ResponseTime(const ServerView& server, double best) {
  if (!server.status.response_time.has_value()) return best;
  const std::chrono::duration<double> seconds = *server.status.response_time;
  return std::max(seconds.count(), 1e-6);
}

double BestResponseTime(Servers servers, const ServerOrder& up) {
  double best = 1e9;
  for (const uint8_t i : up) best = std::min(best, ResponseTime(servers[i], 1e9));
  return best;
}

void MoveToFront(ServerOrder& order, size_t position) {
  const auto chosen = order.begin() + static_cast<std::ptrdiff_t>(position);
  std::rotate(order.begin(), chosen, chosen + 1);
}

// Moves a random one of the servers from `first` on to the front, once in a hundred times.
void Explore(ServerOrder& order, size_t first, absl::BitGenRef random) {
  if (first >= order.size() || !absl::Bernoulli(random, kExploration)) return;
  MoveToFront(order, absl::Uniform<size_t>(random, first, order.size()));
}

// The finalizer of MurmurHash3: every bit of the input moves about half of the output's.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
  return x ^ (x >> 33);
}

}  // namespace

ServerChoice UpstreamSelector::Choose(Servers servers, absl::BitGenRef random, uint64_t name_hash) {
  assert(!servers.empty() && servers.size() <= 64);
  ServerOrder up;
  ServerOrder others;
  for (size_t i = 0; i < servers.size(); ++i) {
    const ServerView& server = servers[i];
    if (server.status.state == ServerState::kNoAddress) continue;
    const bool is_first = server.status.state == ServerState::kUp && !server.erring;
    (is_first ? up : others).push_back(static_cast<uint8_t>(i));
  }

  switch (policy_) {
    case SelectionPolicy::kBalanced:
      OrderBalanced(servers, random, up);
      break;
    case SelectionPolicy::kFastest:
      OrderFastest(servers, random, up);
      break;
    case SelectionPolicy::kRoundRobin:
      if (!up.empty()) std::rotate(up.begin(), up.begin() + turn_++ % up.size(), up.end());
      break;
    case SelectionPolicy::kRandom:
      std::shuffle(up.begin(), up.end(), random);
      break;
    case SelectionPolicy::kSequential:
      break;
    case SelectionPolicy::kWeighted:
      OrderWeighted(servers, random, up);
      break;
    case SelectionPolicy::kStickyHash:
      OrderSticky(servers, name_hash, up);
      break;
  }

  std::stable_partition(up.begin(), up.end(),
                        [servers](uint8_t i) { return !servers[i].status.family_broken; });
  ServerChoice choice;
  if (!up.empty() && policy_ != SelectionPolicy::kStickyHash) {
    const uint8_t first = up.front();
    std::stable_partition(up.begin(), up.end(),
                          [servers](uint8_t i) { return servers[i].status.ready; });
    if (up.front() != first) choice.connect = first;
  }
  RaceFamilies(servers, up);
  const auto rank = [servers](uint8_t i) {
    const ServerStatus& status = servers[i].status;
    const MonoTime probe = status.down() ? status.next_probe : MonoTime();
    return std::pair(status.state, probe);
  };
  std::stable_sort(others.begin(), others.end(),
                   [&rank](uint8_t a, uint8_t b) { return rank(a) < rank(b); });
  choice.order = std::move(up);
  choice.order.insert(choice.order.end(), others.begin(), others.end());
  return choice;
}

// The first is drawn from those within the band, with a chance inverse to response time x (queries
// in flight + 1). So load is spread even without queries in flight. The rest follow by that score,
// those outside the band last.
void UpstreamSelector::OrderBalanced(Servers servers, absl::BitGenRef random,
                                     ServerOrder& up) const {
  if (up.size() < 2) return;
  const double best = BestResponseTime(servers, up);
  const auto in_band = [servers, best](uint8_t i) {
    return ResponseTime(servers[i], best) <= kBand * best;
  };
  const auto score = [servers, best](uint8_t i) {
    return ResponseTime(servers[i], best) * (servers[i].status.in_flight + 1);
  };
  std::sort(up.begin(), up.end(), [&in_band, &score](uint8_t a, uint8_t b) {
    if (in_band(a) != in_band(b)) return in_band(a);
    return score(a) < score(b);
  });
  const size_t band = static_cast<size_t>(std::count_if(up.begin(), up.end(), in_band));
  double total = 0;
  for (size_t i = 0; i < band; ++i) total += 1 / score(up[i]);
  double drawn = absl::Uniform<double>(random, 0, total);
  size_t chosen = 0;
  while (chosen + 1 < band && drawn >= 1 / score(up[chosen])) drawn -= 1 / score(up[chosen++]);
  MoveToFront(up, chosen);
  Explore(up, band, random);
}

// Lowest response time first. A server not yet measured goes in front, one query at a time.
void UpstreamSelector::OrderFastest(Servers servers, absl::BitGenRef random,
                                    ServerOrder& up) const {
  const auto rank = [servers](uint8_t i) {
    const bool idle = servers[i].status.in_flight == 0;
    return servers[i].status.response_time.value_or(idle ? Duration::zero() : Duration::max());
  };
  std::shuffle(up.begin(), up.end(), random);
  std::stable_sort(up.begin(), up.end(),
                   [&rank](uint8_t a, uint8_t b) { return rank(a) < rank(b); });
  Explore(up, 1, random);
}

// Drawn one after the other, each in proportion to its weight among those that are left.
void UpstreamSelector::OrderWeighted(Servers servers, absl::BitGenRef random,
                                     ServerOrder& up) const {
  for (size_t next = 0; next + 1 < up.size(); ++next) {
    double total = 0;
    for (size_t i = next; i < up.size(); ++i) total += servers[up[i]].weight;
    double drawn = absl::Uniform<double>(random, 0, total);
    size_t chosen = next;
    while (chosen + 1 < up.size() && drawn >= servers[up[chosen]].weight) {
      drawn -= servers[up[chosen++]].weight;
    }
    std::swap(up[next], up[chosen]);
  }
}

// Rendezvous hashing (Thaler and Ravishankar, 1998): each provider has a rank for each name, so one
// that goes down gives away its own names and no others. Within a provider the fastest address.
void UpstreamSelector::OrderSticky(Servers servers, uint64_t name_hash, ServerOrder& up) const {
  const double best = BestResponseTime(servers, up);
  const auto rank = [servers, name_hash](uint8_t i) {
    return Mix(name_hash ^ servers[i].provider_hash);
  };
  std::stable_sort(up.begin(), up.end(), [&](uint8_t a, uint8_t b) {
    if (rank(a) != rank(b)) return rank(a) > rank(b);
    return ResponseTime(servers[a], best) < ResponseTime(servers[b], best);
  });
}

void UpstreamSelector::RaceFamilies(Servers servers, ServerOrder& up) const {
  if (up.size() < 3 || servers[up.front()].status.ready) return;
  const ServerView& first = servers[up.front()];
  const auto rival = std::find_if(up.begin() + 1, up.end(), [&](uint8_t i) {
    if (servers[i].status.is_v6 == first.status.is_v6 || servers[i].status.family_broken)
      return false;
    return policy_ != SelectionPolicy::kStickyHash ||
           servers[i].provider_hash == first.provider_hash;
  });
  if (rival != up.end()) std::rotate(up.begin() + 1, rival, rival + 1);
}

}  // namespace dotcache
