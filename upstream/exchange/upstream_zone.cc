// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/upstream_zone.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "core/siphash.h"

namespace dotcache {
namespace {

constexpr int kHedgeTimes = 2;
constexpr Duration kMinHedgeTime = Milliseconds(20);
// How often servers are looked at while all are down; and while none of them is to be probed.
constexpr Duration kProbeCheck = Milliseconds(20);
constexpr Duration kIdleCheck = Milliseconds(250);
// A server whose place was taken lives while it is owed answers; at the limit the oldest goes.
constexpr Duration kRetiredCheck = Milliseconds(250);
constexpr size_t kMaxRetired = 64;

}  // namespace

UpstreamZone::UpstreamZone(const UpstreamServer::Context& context,
                           const UpstreamZoneOptions& options, int first_index,
                           absl::Span<UpstreamCounters> counters, absl::Span<ProbeGate> probe_gates)
    : context_(context),
      options_(options),
      first_index_(first_index),
      counters_(counters),
      probe_gates_(probe_gates),
      selector_(options.policy),
      probe_timer_(context.loop.NewTimer([this] { ProbeAll(); })),
      retired_timer_(context.loop.NewTimer([this] { DropRetired(); })) {
  for (size_t i = 0; i < options.servers.size(); ++i) {
    servers_.push_back(std::make_unique<UpstreamServer>(context, options.servers[i],
                                                        first_index + static_cast<int>(i),
                                                        counters[i], probe_gates[i]));
  }
  Share();
}

// A provider's weight is divided among the addresses that it has at present.
void UpstreamZone::Share() {
  portions_.clear();
  for (const auto& server : servers_) {
    const std::string& provider = server->options().provider;
    const auto addresses = std::count_if(servers_.begin(), servers_.end(), [&](const auto& other) {
      return !other->absent() && other->options().provider == provider;
    });
    const auto* name = reinterpret_cast<const uint8_t*>(provider.data());
    const auto parts = static_cast<double>(std::max<std::ptrdiff_t>(addresses, 1));
    portions_.push_back({static_cast<double>(server->options().weight) / parts,
                         SipHash13(HashSeed{}, Bytes(name, provider.size()))});
  }
}

bool UpstreamZone::Owns(const UpstreamServer& server) const {
  return std::any_of(servers_.begin(), servers_.end(),
                     [&server](const auto& own) { return own.get() == &server; });
}

ServerChoice UpstreamZone::Choose(UpstreamSelector& selector, const DomainName& qname) const {
  absl::InlinedVector<ServerSnapshot, 8> snapshots;
  for (size_t i = 0; i < servers_.size(); ++i) {
    snapshots.push_back(servers_[i]->Snapshot());
    snapshots.back().weight = portions_[i].weight;
    snapshots.back().provider_hash = portions_[i].provider_hash;
  }
  // The same for all workers and after a restart: no secret.
  const bool sticky = options_.policy == SelectionPolicy::kStickyHash;
  const uint64_t name_hash = sticky ? SipHash13(HashSeed{}, qname.wire()) : 0;
  return selector.Choose(snapshots, context_.random, name_hash);
}

ServerOrder UpstreamZone::ChooseOrder(const DomainName& qname) {
  if (servers_.size() == 1) return {0};
  ServerChoice choice = Choose(selector_, qname);
  if (choice.connect.has_value()) servers_[static_cast<size_t>(*choice.connect)]->Prepare();
  return std::move(choice.order);
}

ServerOrder UpstreamZone::PreviewOrder(const DomainName& qname) const {
  UpstreamSelector selector = selector_;
  return Choose(selector, qname).order;
}

Duration UpstreamZone::HedgeTime() const {
  Duration best = context_.limits.tuning.max_attempt_timeout;
  for (const auto& server : servers_) {
    const auto slow = server->health().slow_response_time();
    if (!server->down() && slow.has_value()) best = std::min(best, *slow);
  }
  return std::max(kMinHedgeTime, kHedgeTimes * best);
}

bool UpstreamZone::AllDown() const {
  return std::all_of(servers_.begin(), servers_.end(),
                     [](const auto& server) { return server->down() || server->unusable(); });
}

bool UpstreamZone::IsKnownDead() const {
  const MonoTime now = context_.loop.Now();
  return std::all_of(servers_.begin(), servers_.end(), [now](const auto& server) {
    if (server->unusable()) return true;
    if (!server->down() && (!server->health().was_down() || server->IsUntried())) return false;
    return now - server->in_vain_since() > UpstreamServer::kDeadAfter;
  });
}

bool UpstreamZone::AllUseless() const {
  return std::all_of(servers_.begin(), servers_.end(),
                     [](const auto& server) { return server->useless(); });
}

void UpstreamZone::OnFoundAllDown() {
  if (!std::exchange(was_all_down_, true)) ProbeAll();
}

void UpstreamZone::OnServerReady() {
  const bool up = std::any_of(servers_.begin(), servers_.end(),
                              [](const auto& server) { return server->serves(); });
  if (!was_all_down_ || !up) return;
  was_all_down_ = false;
  for (const auto& server : servers_) server->ProbeNow();
}

void UpstreamZone::ProbeAll() {
  if (draining_) return;
  OnServerReady();  // One may have answered meanwhile.
  if (!was_all_down_) return;
  bool is_any_due = false;
  for (const auto& server : servers_) {
    server->ProbeEverySecond();
    is_any_due |= server->down() && !server->unusable();
  }
  probe_timer_->Start(is_any_due ? kProbeCheck : kIdleCheck);
}

void UpstreamZone::SetAddress(size_t index, const std::optional<Endpoint>& address) {
  std::unique_ptr<UpstreamServer>& place = servers_[index];
  UpstreamServerOptions options = options_.servers[index];
  if (address.has_value()) options = options.At(*address);
  place->Retire();
  probe_gates_[index].TellOnce(ProbeGate::Told::kUp);  // Nothing is known of the newcomer.
  auto retired = std::make_unique<Retired>();
  retired->server = std::move(place);
  retired_.push_back(std::move(retired));
  retired_timer_->Start(kRetiredCheck);
  place =
      std::make_unique<UpstreamServer>(context_, options, first_index_ + static_cast<int>(index),
                                       counters_[index], probe_gates_[index]);
  Share();
  if (draining_) {
    place->Drain();
  } else if (prepared_) {
    place->Prepare();
  }
}

void UpstreamZone::Forget(size_t index, AttemptId attempt) {
  servers_[index]->Forget(attempt);
  for (const auto& retired : retired_) retired->server->Forget(attempt);
}

void UpstreamZone::DropRetired() {
  size_t surplus = retired_.size() - std::min(retired_.size(), kMaxRetired);
  for (auto& retired : std::exchange(retired_, {})) {
    if (surplus == 0 && retired->server->Snapshot().in_flight > 0) {
      retired_.push_back(std::move(retired));
    } else {
      surplus -= std::min<size_t>(surplus, 1);
      context_.loop.DeferDelete(std::move(retired));  // After its connections.
    }
  }
  if (!retired_.empty()) retired_timer_->Start(kRetiredCheck);
}

void UpstreamZone::Prepare() {
  prepared_ = true;
  for (const auto& server : servers_) server->Prepare();
}

void UpstreamZone::OnNetworkChange(size_t index, bool link_down) {
  servers_[index]->OnNetworkChange(link_down);
}

void UpstreamZone::Drain() {
  draining_ = true;
  for (const auto& server : servers_) server->Drain();
}

}  // namespace dotcache
