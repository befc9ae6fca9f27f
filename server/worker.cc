// SPDX-License-Identifier: Apache-2.0
#include "server/worker.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "answer/query_handler.h"
#include "core/log.h"
#include "core/status_macros.h"
#include "core/test_delay.h"
#include "net/uv_loop.h"
#include "server/session_table.h"
#include "server/tcp_listener.h"
#include "server/udp_listener.h"
#include "server/worker_upstreams.h"

namespace dotcache {
namespace {

constexpr Milliseconds kQuietPoll{5};
constexpr Milliseconds kDrainPoll{5};

constexpr Seconds kSweepInterval{1};
constexpr size_t kMinSweepSteps = 1024;
constexpr size_t kSweepFraction = 64;  // Each sweep examines one in this many entries.

constexpr int kSweepsPerReport = 60;
constexpr size_t kMaxReported = 10;  // Clients in a report, each with a line.

// Logs the clients above their rate since the previous report, `seconds` ago.
void ReportLimitedClients(ClientRate& rate, int seconds) {
  const std::vector<LimitedClient> clients = rate.TakeLimited();
  uint64_t others = 0;
  size_t reported = 0;
  for (const LimitedClient& client : clients) {
    if (client.network.empty() || reported == kMaxReported) {
      others += client.queries;
      continue;
    }
    ++reported;
    Log(LogLevel::kWarn, "client is above its query rate",
        {{"client", client.network}, {"limited_queries", client.queries}, {"seconds", seconds}});
  }
  if (others == 0) return;
  Log(LogLevel::kWarn, "more clients are above their query rate",
      {{"limited_queries", others}, {"seconds", seconds}});
}

}  // namespace

// Everything that lives on the worker's loop. Members are declared before the members that use
// them.
class Worker::Services : private ReplySinks {
 public:
  Services(Worker& worker, UvLoop& loop)
      : worker_(worker),
        loop_(loop),
        rules_(worker.shared_.rules),
        limits_(rules_->limits),
        upstreams_(NewUpstreams(worker, loop)),
        sessions_(loop, limits_, worker.counters_, worker.shared_.streams),
        handler_(HandlerEnvironment()),
        quiet_timer_(loop.NewTimer([this] { AwaitQuiet(); })),
        drain_timer_(loop.NewTimer([this] { ContinueDrain(); })),
        sweep_timer_(loop.NewTimer([this] { Sweep(); })) {
    sessions_.set_handler(handler_);
  }

  absl::Status Open(WorkerSockets sockets) {
    for (WorkerSockets::Item& item : sockets.items) {
      const uint64_t key = ListenerKey(item.listen.transport, item.listen.endpoint);
      GatewayWatch* gateways =
          item.listen.endpoint.is_wildcard() ? worker_.shared_.gateways.get() : nullptr;
      if (item.listen.transport == Transport::kUdp) {
        ASSIGN_OR_RETURN(
            auto listener,
            UdpListener::Open(loop_, std::move(item.fd), udp_listeners_.size(), worker_.counters_));
        listener->Serve(handler_, key, gateways);
        if (item.inherited) inherited_udp_.insert(listener.get());
        udp_listeners_.push_back(std::move(listener));
      } else {
        const bool tls = item.listen.transport == Transport::kDot;
        ASSIGN_OR_RETURN(
            auto listener,
            TcpListener::Open({loop_, rules_->access, sessions_, worker_.counters_,
                               worker_.shared_.handshakes, key, gateways},
                              tls ? worker_.shared_.credentials.current().listen : nullptr,
                              std::move(item.fd)));
        if (item.inherited) inherited_tcp_.insert(listener.get());
        tcp_listeners_.push_back(std::move(listener));
      }
    }
    if (upstreams_ != nullptr) upstreams_->Start();
    if (worker_.index_ == 0) sweep_timer_->Start(kSweepInterval);
    return absl::OkStatus();
  }

  void UseCredentials(const Credentials& credentials, const CredentialChange& change) {
    if (upstreams_ != nullptr) upstreams_->UseCredentials(credentials, change);
    if (!change.listen) return;
    for (const auto& listener : tcp_listeners_) listener->UseCredentials(credentials.listen);
  }

  void Use(std::shared_ptr<const ServingRules> rules, std::shared_ptr<const UpstreamPlan> plan,
           const Credentials& credentials) {
    if (upstreams_ != nullptr) upstreams_->Use(std::move(plan), credentials);
    // The clients of a rate that ends are reported before their counts are gone.
    if (worker_.index_ == 0 && rules->client_rate != rules_->client_rate) ReportClients();
    limits_ = rules->limits;  // The handler looks at them.
    handler_.UseRules(rules->handler_rules());
    for (const auto& listener : tcp_listeners_) listener->UseAccess(rules->access);
    rules_ = std::move(rules);
  }

  // REQUIRES: the worker has upstream servers.
  void UseProvider(const std::string& name, bool use) { upstreams_->UseProvider(name, use); }

  void AwaitQuiet() {
    if (handler_.pending_count() > 0) return quiet_timer_->Start(kQuietPoll);
    worker_.quiet_.set_value();
  }

  // New queries go to other sockets from here on. Streams come last: a client whose connection ends
  // connects anew, and must then find another listener or none.
  void BeginDrain() {
    quiet_timer_->Stop();
    if (upstreams_ != nullptr) upstreams_->StopProbing();
    for (auto& listener : udp_listeners_) {
      inherited_udp_.contains(listener.get()) ? listener->StopReceiving()
                                              : listener->FinishReceiving();
    }
    for (auto& listener : tcp_listeners_) {
      if (!inherited_tcp_.contains(listener.get())) listener->AcceptWaiting();
    }
    tcp_listeners_.clear();
    sessions_.Drain();
    ContinueDrain();
  }

  void AnswerWaiting() { handler_.AnswerWaiting(); }

  // REQUIRES: the worker has upstream servers.
  NameExplanation Explain(const DomainName& name) const { return upstreams_->Explain(name); }

 private:
  static std::unique_ptr<WorkerUpstreams> NewUpstreams(Worker& worker, UvLoop& loop) {
    const Shared& shared = worker.shared_;
    if (worker.index_ >= shared.options.upstream_workers) return nullptr;
    return std::make_unique<WorkerUpstreams>(WorkerUpstreams::Environment{
        loop, shared.plan.Get(), shared.credentials.current(), worker.index_, shared.loops,
        worker.counters_, LogQueue(worker)});
  }

  static NoteQueue* LogQueue(const Worker& worker) {
    QueryLog* log = worker.shared_.query_log;
    return log == nullptr ? nullptr : &log->queue(worker.index_);
  }

  QueryHandler::Environment HandlerEnvironment() {
    const Shared& shared = worker_.shared_;
    QueryHandler::Environment environment{
        .loop = loop_,
        .cache = shared.cache,
        .exchanger = upstreams_ == nullptr ? nullptr : &upstreams_->exchanger(),
        .access = rules_->access,
        .local_names = rules_->local_names.get(),
        .counters = worker_.counters_,
        .limits = limits_,
        .cookies = rules_->cookies.get(),
        .own_answers = &rules_->own_answers,
        .loops = &shared.loops,
        .handoff = std::nullopt,
        .reply_rate = &shared.reply_rate,
        .zones = &rules_->zones,
        .query_log = LogQueue(worker_),
        .answer_times = rules_->answer_times.get(),
        .top = &shared.top,
        .worker = static_cast<size_t>(worker_.index_),
        .client_rate = rules_->handler_rules().client_rate};
    if (shared.options.workers > 1) {
      const HandoffPeers peers{shared.handoff, static_cast<size_t>(worker_.index_), *this};
      environment.handoff.emplace(peers);
    }
    return environment;
  }

  ReplySink& SinkFor(const ReplyAddress& address) override {
    if (address.transport != Transport::kUdp) return sessions_;
    return *udp_listeners_[address.listener];
  }

  void ContinueDrain() {
    // A session that still exists may have queries to come.
    if (sessions_.size() == 0 && handler_.Finish()) {
      if (upstreams_ != nullptr) upstreams_->Drain();
      // The last replies are sent at the end of this turn.
      loop_.Post([&drained = worker_.drained_] { drained.set_value(); });
      return;
    }
    drain_timer_->Start(kDrainPoll);
  }

  void Sweep() {
    worker_.shared_.top.ForgetUnread(loop_.Now());
    ResponseCache& cache = worker_.shared_.cache;
    cache.SweepExpired(loop_.Now(),
                       std::max(kMinSweepSteps, cache.Stats().entries / kSweepFraction));
    sweep_timer_->Start(kSweepInterval);
    if (++sweeps_ == kSweepsPerReport) ReportClients();
  }

  void ReportClients() { ReportLimitedClients(*rules_->client_rate, std::exchange(sweeps_, 0)); }

  Worker& worker_;
  UvLoop& loop_;
  std::shared_ptr<const ServingRules> rules_;
  ServerLimits limits_;  // A copy of the rules' limits, which the members below refer to.
  std::unique_ptr<WorkerUpstreams> upstreams_;  // Null if the worker owns no names.
  SessionTable sessions_;
  std::vector<std::unique_ptr<UdpListener>> udp_listeners_;
  QueryHandler handler_;
  std::vector<std::unique_ptr<TcpListener>> tcp_listeners_;
  // Those whose sockets another process continues with.
  absl::flat_hash_set<const UdpListener*> inherited_udp_;
  absl::flat_hash_set<const TcpListener*> inherited_tcp_;
  std::unique_ptr<Timer> quiet_timer_;
  std::unique_ptr<Timer> drain_timer_;
  std::unique_ptr<Timer> sweep_timer_;
  int sweeps_ = 0;  // Since the last report of clients.
};

Worker::Worker(const Shared& shared, int index, WorkerSockets sockets, WorkerCounters& counters)
    : shared_(shared),
      index_(index),
      sockets_(std::move(sockets)),
      counters_(counters),
      quiet_future_(quiet_.get_future()),
      drained_future_(drained_.get_future()) {}

Worker::~Worker() { Stop(); }

absl::Status Worker::Start() {
  std::promise<absl::Status> started;
  std::future<absl::Status> outcome = started.get_future();
  thread_ = std::thread(&Worker::RunThread, this, std::move(started));
  absl::Status status = outcome.get();
  if (!status.ok()) thread_.join();
  return status;
}

void Worker::RunThread(std::promise<absl::Status> started) {
  UvLoop loop;
  Services services(*this, loop);
  if (absl::Status status = services.Open(std::move(sockets_)); !status.ok()) {
    started.set_value(std::move(status));
    return;
  }
  loop_ = &loop;
  services_ = &services;
  started.set_value(absl::OkStatus());
  TestDelay(Seam::kWorker);
  loop.Run();
}

void Worker::UseCredentials(const Credentials& credentials, const CredentialChange& change) {
  loop_->Post([services = services_, credentials, change] {
    services->UseCredentials(credentials, change);
  });
}

void Worker::Use(std::shared_ptr<const ServingRules> rules,
                 std::shared_ptr<const UpstreamPlan> plan, const Credentials& credentials) {
  loop_->Post(
      [services = services_, rules = std::move(rules), plan = std::move(plan),
       credentials]() mutable { services->Use(std::move(rules), std::move(plan), credentials); });
}

void Worker::UseProvider(const std::string& name, bool use) {
  loop_->Post([services = services_, name, use] { services->UseProvider(name, use); });
}

void Worker::AwaitQuiet() {
  loop_->Post([services = services_] { services->AwaitQuiet(); });
}

void Worker::AnswerWaiting() {
  loop_->Post([services = services_] { services->AnswerWaiting(); });
}

void Worker::BeginDrain() {
  loop_->Post([services = services_] { services->BeginDrain(); });
}

bool Worker::HadTurn() {
  if (!had_turn_.exchange(false)) return false;
  loop_->Post([this] { had_turn_ = true; });
  return true;
}

NameExplanation Worker::Explain(const DomainName& name) const {
  std::promise<NameExplanation> explanation;
  loop_->Post([services = services_, &name, &explanation] {
    explanation.set_value(services->Explain(name));
  });
  return explanation.get_future().get();
}

void Worker::Stop() {
  if (!thread_.joinable()) return;
  loop_->Stop();
  thread_.join();
}

}  // namespace dotcache
