// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/loop_prober.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/random/uniform_int_distribution.h"
#include "core/log.h"
#include "upstream/pool/attempt_result.h"
#include "upstream/pool/connection_limit.h"
#include "upstream/pool/loop_probe.h"

namespace dotcache {

// The probes of one server, one after another. The timer waits for the answer while there is a
// connection, for the next probe while there is none.
class LoopProber::Probe : public Deletable, private Connection::Delegate {
 public:
  Probe(const Context& context, const DomainName& zone, UpstreamServerOptions server, size_t index,
        UpstreamCounters& counters)
      : context_(context),
        zone_(zone),
        server_(std::move(server)),
        index_(index),
        counters_(counters),
        timer_(context.loop.NewTimer([this] { OnTimer(); })) {}

  void Begin() {
    if (connection_ != nullptr) return;
    const uint64_t number = absl::uniform_int_distribution<uint64_t>(1)(context_.random);
    const std::optional<DomainName> name = LoopProbeName(number, zone_);
    if (!name.has_value()) return;
    context_.watch.Expect(index_, number);
    connection_ = context_.connector.Connect(server_, static_cast<int>(index_), *this);
    UpstreamQuery query;
    query.question = {*name, QType::kTxt, QClass::kIn};
    connection_->Send(query, kAttempt);
    timer_->Start(kPatience);
  }

  void Stop() {
    timer_->Stop();
    context_.watch.Expect(index_, 0);
    if (connection_ != nullptr) context_.loop.DeferDelete(std::move(connection_));
  }

 private:
  static constexpr AttemptId kAttempt = 1;

  void OnConnectionReady(Connection&, bool, Duration) override {}
  void OnLateResult(Connection&, const AttemptResult&, Duration) override {}
  void OnSignOfLife(Connection&) override {}
  void OnMismatch(Connection&, std::optional<AttemptId>) override {}
  void OnAttemptResult(Connection&, AttemptId, AttemptResult result, Duration) override {
    Finish(IsFromServer(result));
  }
  void OnConnectionClosed(Connection&, Connection::End) override { Finish(/*answered=*/false); }

  void OnTimer() {
    if (connection_ == nullptr) {
      Begin();
    } else {
      Finish(/*answered=*/false);
    }
  }

  // The number stays expected: a test query that comes back late also shows a loop. The next test
  // reports it.
  void Finish(bool answered) {
    if (connection_ == nullptr) return;  // A last word of what is about to be destroyed.
    context_.loop.DeferDelete(std::move(connection_));
    const bool loops = context_.watch.Conclude(index_, answered);
    const bool changed = std::exchange(told_, loops) != loops;
    if (changed) Tell(loops);
    timer_->Start(answered && !loops && !changed ? kInterval : kSoon);
  }

  void Tell(bool loops) {
    counters_.loops.Set(loops ? 1 : 0);
    Log(loops ? LogLevel::kError : LogLevel::kInfo,
        loops ? "forwarding loop: queries sent to this upstream come back; it is not used"
              : "the forwarding loop has ended",
        {{"provider", server_.provider},
         {"address", server_.endpoint.ToString()},
         {"zone", zone_.ToString()}});
  }

  Context context_;
  const DomainName zone_;
  const UpstreamServerOptions server_;
  const size_t index_;
  UpstreamCounters& counters_;
  bool told_ = false;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Timer> timer_;
};

LoopProber::LoopProber(const Context& context, int workers)
    : context_(context), workers_(workers) {}

LoopProber::LoopProber(const Context& context, const UpstreamOptions& options,
                       absl::Span<UpstreamCounters> counters)
    : LoopProber(context, options.limits.workers) {
  std::vector<int> indexes;
  std::vector<UpstreamCounters*> of_servers;
  for (UpstreamCounters& of_server : counters) {
    indexes.push_back(static_cast<int>(indexes.size()));
    of_servers.push_back(&of_server);
  }
  Use(options, indexes, of_servers);
}

LoopProber::~LoopProber() = default;

void LoopProber::Start() {
  started_ = true;
  if (stopped_) return;
  for (const Server& server : servers_) {
    if (server.probe != nullptr) server.probe->Begin();
  }
}

void LoopProber::SetAddresses(absl::Span<const Endpoint> addresses) {
  if (stopped_) return;
  for (Server& server : servers_) {
    const Endpoint& address = addresses[server.index];
    if (address == server.address) continue;
    server.address = address;
    Renew(server);
  }
}

void LoopProber::Stop() {
  stopped_ = true;
  for (const Server& server : servers_) {
    if (server.probe != nullptr) server.probe->Stop();
  }
}

void LoopProber::Use(const UpstreamOptions& options, absl::Span<const int> indexes,
                     absl::Span<UpstreamCounters* const> counters) {
  if (stopped_) return;
  const bool same_use = std::exchange(enabled_, options.loop_check) == enabled_;
  std::vector<Server> before = std::exchange(servers_, {});
  for (const UpstreamZoneOptions& zone : options.zones) {
    for (const UpstreamServerOptions& server : zone.servers) {
      const size_t position = servers_.size();
      const auto index = static_cast<size_t>(indexes[position]);
      const auto same = std::find_if(before.begin(), before.end(), [&](const Server& candidate) {
        return same_use && candidate.index == index;
      });
      if (same != before.end()) {
        servers_.push_back(std::move(*same));
        before.erase(same);
        continue;
      }
      servers_.push_back({zone.zone, server, server.endpoint, index, counters[position], nullptr});
    }
  }
  for (Server& server : before) End(server);
  for (Server& server : servers_) {
    if (server.probe == nullptr) Renew(server);
  }
}

void LoopProber::End(Server& server) {
  if (server.probe == nullptr) return;
  server.probe->Stop();
  context_.loop.DeferDelete(std::move(server.probe));  // After its connection.
  context_.watch.Forget(server.index);
  server.counters->loops.Set(0);
}

void LoopProber::Renew(Server& server) {
  End(server);
  const UpstreamServerOptions options = server.options.At(server.address);
  if (!enabled_ || !options.has_address() || !MayLeadBack(server.address)) return;
  // The only connection is for queries.
  if (ConnectionLimit::PerWorker(options, workers_) == 1) return;
  server.probe =
      std::make_unique<Probe>(context_, server.zone, options, server.index, *server.counters);
  if (started_) server.probe->Begin();
}

}  // namespace dotcache
