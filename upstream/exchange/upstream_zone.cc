// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/upstream_zone.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "core/log.h"
#include "core/siphash.h"

namespace dotcache {
namespace {

constexpr int kHedgeTimes = 2;
constexpr Duration kMinHedgeTime = Milliseconds(20);

// Destroys a server, or only this claim to it while another zone uses it.
struct ServerClaim : public Deletable {
  explicit ServerClaim(std::shared_ptr<UpstreamServer> claimed) : server(std::move(claimed)) {}
  std::shared_ptr<UpstreamServer> server;
};

}  // namespace

UpstreamZone::UpstreamZone(const UpstreamServer::Context& context,
                           const UpstreamZoneOptions& options,
                           absl::Span<const NumberedServer> numbered, UpstreamZone* previous)
    : context_(context),
      options_(options),
      numbered_(numbered.begin(), numbered.end()),
      selector_(options.policy) {
  for (size_t i = 0; i < options.servers.size(); ++i) {
    const NumberedServer& number = numbered_[i];
    std::shared_ptr<UpstreamServer> server =
        previous == nullptr ? nullptr : previous->FindNumbered(number.index);
    if (server == nullptr) {
      server = std::make_shared<UpstreamServer>(context, options.servers[i], number.index,
                                                options.zone, *number.counters);
      server->probes().SetUrgent(previous != nullptr && previous->urgent_);
    }
    servers_.push_back(std::move(server));
  }
  if (previous != nullptr) {
    providers_ = previous->providers_;
    prepared_ = previous->prepared_;
    urgent_ = previous->urgent_;
    told_lost_ = previous->told_lost_;
  }
  std::erase_if(providers_, [this](const Provider& provider) {
    return std::none_of(servers_.begin(), servers_.end(), [&provider](const auto& server) {
      return server->options().provider == provider.name();
    });
  });
  FindProviders();
}

void UpstreamZone::UseProviders() {
  for (size_t i = 0; i < servers_.size(); ++i) servers_[i]->Use(!ProviderOf(i).taken_out());
}

std::shared_ptr<UpstreamServer> UpstreamZone::FindNumbered(int index) const {
  const auto found = std::find_if(servers_.begin(), servers_.end(),
                                  [index](const auto& server) { return server->index() == index; });
  return found == servers_.end() ? nullptr : *found;
}

bool UpstreamZone::Is(const UpstreamZoneOptions& options,
                      absl::Span<const NumberedServer> numbered) const {
  bool same = options.policy == options_.policy && numbered.size() == numbered_.size();
  for (size_t i = 0; same && i < numbered.size(); ++i) {
    const UpstreamServerOptions& server = options.servers[i];
    same = numbered[i].index == numbered_[i].index && server.weight == options_.servers[i].weight &&
           server.metered == options_.servers[i].metered;
  }
  return same;
}

void UpstreamZone::BecomeFormer(absl::FunctionRef<bool(const UpstreamServer&)> leaves) {
  former_ = true;
  draining_ = true;
  for (const auto& server : servers_) {
    if (leaves(*server)) server->Retire();
  }
  NoteChange();
}

bool UpstreamZone::IsOver() {
  if (exchanges_ > 0) return false;
  for (std::shared_ptr<UpstreamServer>& server : std::exchange(servers_, {})) {
    if (server->retired()) retired_.push_back(std::move(server));
  }
  DropRetired();
  return retired_.empty();
}

// A provider's weight is divided among the addresses that it has now.
void UpstreamZone::FindProviders() {
  portions_.clear();
  for (const auto& server : servers_) {
    const std::string& name = server->options().provider;
    auto provider = std::find_if(providers_.begin(), providers_.end(),
                                 [&name](const Provider& p) { return p.name() == name; });
    if (provider == providers_.end()) {
      providers_.emplace_back(name);
      provider = providers_.end() - 1;
    }
    const auto addresses = std::count_if(servers_.begin(), servers_.end(), [&](const auto& other) {
      return !other->absent() && other->options().provider == name;
    });
    const auto* octets = reinterpret_cast<const uint8_t*>(name.data());
    const auto parts = static_cast<double>(std::max<std::ptrdiff_t>(addresses, 1));
    portions_.push_back({static_cast<uint8_t>(provider - providers_.begin()),
                         static_cast<double>(options_.servers[portions_.size()].weight) / parts,
                         SipHash13(HashSeed{}, Bytes(octets, name.size()))});
  }
}

UpstreamZone::Views UpstreamZone::LookAt(MonoTime now) const {
  Views views;
  for (size_t i = 0; i < servers_.size(); ++i) {
    ServerView& view = views.emplace_back();
    const UpstreamServer& server = *servers_[i];
    const Provider& provider = providers_[portions_[i].provider];
    view.status = server.StatusAt(now);
    view.provider = portions_[i].provider;
    view.provider_hash = portions_[i].provider_hash;
    view.weight = portions_[i].weight;
    view.metered = options_.servers[i].metered;
    view.datagrams = server.options().transport == Transport::kUdp;
    view.may_retry = provider.retries().HasOne();
    view.erring = provider.erring();
    if (server.retired()) view.status.state = ServerState::kNoAddress;
  }
  return views;
}

void UpstreamZone::UseProvider(absl::string_view name, bool use) {
  for (size_t i = 0; i < servers_.size(); ++i) {
    if (servers_[i]->options().provider != name) continue;
    ProviderOf(i).set_taken_out(!use);
    servers_[i]->Use(use);
  }
  if (prepared_) Prepare();
  NoteChange();
}

ServerChoice UpstreamZone::Choose(UpstreamSelector& selector, const DomainName& qname,
                                  const Views& views) const {
  // The same for all workers and after a restart: no secret.
  const bool sticky = options_.policy == SelectionPolicy::kStickyHash;
  const uint64_t name_hash = sticky ? SipHash13(HashSeed{}, qname.wire()) : 0;
  return selector.Choose(views, context_.random, name_hash);
}

ServerOrder UpstreamZone::ChooseOrder(const DomainName& qname, const Views& views, MonoTime now) {
  if (servers_.size() == 1 && views[0].status.state != ServerState::kNoAddress) return {0};
  ServerChoice choice = Choose(selector_, qname, views);
  if (choice.connect.has_value()) servers_[static_cast<size_t>(*choice.connect)]->Prepare();
  const auto probed = std::find_if(choice.order.begin(), choice.order.end(), [&](uint8_t i) {
    return views[i].erring && views[i].status.state == ServerState::kUp &&
           providers_[views[i].provider].TakeProbe(now);
  });
  if (probed != choice.order.end()) std::rotate(choice.order.begin(), probed, probed + 1);
  return std::move(choice.order);
}

ServerOrder UpstreamZone::PreviewOrder(const DomainName& qname, const Views& views) const {
  UpstreamSelector selector = selector_;
  return Choose(selector, qname, views).order;
}

Duration UpstreamZone::HedgeTime(const Views& views) const {
  Duration best = context_.limits.tuning.max_attempt_timeout;
  for (const ServerView& view : views) {
    if (!view.status.TakesQueries()) continue;
    best = std::min(best, view.status.slow_response_time.value_or(best));
  }
  return std::max(kMinHedgeTime, kHedgeTimes * best);
}

uint64_t UpstreamZone::SameProvider(size_t server, const Views& views) const {
  uint64_t same = 0;
  bool others = false;
  for (size_t i = 0; i < views.size(); ++i) {
    if (views[i].provider == views[server].provider) {
      same |= uint64_t{1} << i;
    } else {
      others |= views[i].status.state != ServerState::kNoAddress;
    }
  }
  return others ? same : uint64_t{1} << server;
}

void UpstreamZone::NoteChange() {
  woken_.insert(woken_.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
}

std::vector<ExchangeId> UpstreamZone::TakeWoken(size_t limit) {
  const auto end = woken_.begin() + static_cast<std::ptrdiff_t>(std::min(limit, woken_.size()));
  std::vector<ExchangeId> taken(woken_.begin(), end);
  woken_.erase(woken_.begin(), end);
  return taken;
}

void UpstreamZone::NoteLost(bool lost) {
  const bool is_new = std::exchange(told_lost_, lost) != lost;
  if (!lost || !is_new || context_.quiet) return;
  Log(LogLevel::kWarn, "no upstream reachable", {{"zone", options_.zone.ToString()}});
}

void UpstreamZone::NoteAnswer(size_t server, uint64_t reported_errors, const DomainName& qname,
                              Rcode rcode) {
  const uint8_t own = portions_[server].provider;
  if (providers_[own].NoteUsable()) TellErring(own);
  if (reported_errors == 0 || providers_.size() < 2) return;
  uint64_t judged = uint64_t{1} << own;
  for (size_t i = 0; i < servers_.size(); ++i) {
    const uint8_t provider = portions_[i].provider;
    if ((reported_errors >> i & 1) == 0 || (judged >> provider & 1) != 0) continue;
    judged |= uint64_t{1} << provider;
    const bool erring =
        providers_[provider].NoteWrongError(rcode, absl::HashOf(qname), context_.loop.Now());
    if (erring) TellErring(provider);
  }
}

// The provider is erring from now on, or no longer.
void UpstreamZone::TellErring(uint8_t provider) {
  const Provider& told = providers_[provider];
  for (size_t i = 0; i < servers_.size(); ++i) {
    if (portions_[i].provider == provider) servers_[i]->SetErring(told.erring());
  }
  if (context_.quiet) return;
  if (!told.erring()) {
    Log(LogLevel::kInfo, "upstream provider answers again", {{"provider", told.name()}});
    return;
  }
  Log(LogLevel::kWarn, "upstream provider is erring: it is queried last",
      {{"provider", told.name()}, {"cause", RcodeName(told.error())}, {"errors", told.errors()}});
}

void UpstreamZone::SetUrgent(bool urgent) {
  if (draining_ || std::exchange(urgent_, urgent) == urgent) return;
  for (const auto& server : servers_) {
    server->probes().SetUrgent(urgent);
    // The common cause is over, so the other servers probably work, too.
    if (!urgent) server->probes().Now();
  }
}

void UpstreamZone::ProbeOnDemand() {
  if (draining_) return;
  for (const auto& server : servers_) server->probes().OnDemand();
}

void UpstreamZone::SetAddress(size_t index, const std::optional<Endpoint>& address) {
  std::shared_ptr<UpstreamServer>& place = servers_[index];
  UpstreamServerOptions options = options_.servers[index];
  if (address.has_value()) options = options.At(*address);
  place->Retire();
  retired_.push_back(std::move(place));
  const NumberedServer& number = numbered_[index];
  place = std::make_shared<UpstreamServer>(context_, options, number.index, options_.zone,
                                           *number.counters);
  place->probes().SetUrgent(urgent_);
  place->Use(!ProviderOf(index).taken_out());
  FindProviders();
  if (draining_) {
    place->Drain();
  } else if (prepared_) {
    place->Prepare();
  }
}

void UpstreamZone::DropRetired() {
  for (auto& server : retired_) {
    if (!server->drained()) continue;  // It is destroyed after its connections.
    context_.loop.DeferDelete(std::make_unique<ServerClaim>(std::move(server)));
  }
  std::erase(retired_, nullptr);
}

void UpstreamZone::Prepare() {
  prepared_ = true;
  for (const auto& server : servers_) server->Prepare();
}

void UpstreamZone::Drain() {
  draining_ = true;
  for (const auto& server : servers_) server->Drain();
}

}  // namespace dotcache
