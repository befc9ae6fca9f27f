// SPDX-License-Identifier: Apache-2.0
// The cost of TLS handshakes and records with both ends in memory, and the memory of an idle
// session.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "net/tls/tls_session.h"
// The bench build has no tests, so it has no library with this source.
#include "tests/support/test_certificates.cc"  // NOLINT(bugprone-suspicious-include)

namespace dotcache {
namespace {

constexpr size_t kFramedQuerySize = 130;  // A query padded to 128 octets, with its length prefix.

void Ignore(Bytes) {}

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
  std::exit(1);
}

// What all connections to one server share.
struct Side {
  std::shared_ptr<const TlsClientCredentials> trust =
      OrDie(TlsClientCredentials::FromFile(GetTestCertificates().ca.certificate_file));
  std::shared_ptr<const TlsServerCredentials> credentials = OrDie(TlsServerCredentials::FromFiles(
      GetTestCertificates().server.certificate_file, GetTestCertificates().server.key_file));
  TlsPeerIdentity identity = {
      .authentication_name = kTestServerName, .address = "127.0.0.1", .pins = {}};
  std::shared_ptr<TlsTicketStore> tickets = std::make_shared<TlsTicketStore>();
};

struct Pair {
  std::unique_ptr<TlsSession> client, server;
};

void Carry(TlsSession& from, TlsSession& to) {
  WireMessage octets;
  octets.swap(from.output());
  if (!octets.empty()) to.Feed(octets, &Ignore);
}

Pair Connect(Side& side, const std::shared_ptr<TlsTicketStore>& tickets) {
  Pair pair{OrDie(TlsSession::NewClient(side.trust, side.identity, tickets)),
            OrDie(TlsSession::NewServer(side.credentials))};
  pair.client->Feed({}, &Ignore);
  while (!pair.client->output().empty() || !pair.server->output().empty()) {
    Carry(*pair.client, *pair.server);
    Carry(*pair.server, *pair.client);
  }
  return pair;
}

// Includes the work of both ends.
void BM_FullHandshake(benchmark::State& state) {
  Side side;
  for (auto _ : state) benchmark::DoNotOptimize(Connect(side, nullptr));
}
BENCHMARK(BM_FullHandshake)->Unit(benchmark::kMicrosecond);

void BM_ResumedHandshake(benchmark::State& state) {
  Side side;
  Connect(side, side.tickets);
  for (auto _ : state) {
    const Pair pair = Connect(side, side.tickets);
    if (!pair.client->resumed()) state.SkipWithError("not resumed");
  }
}
BENCHMARK(BM_ResumedHandshake)->Unit(benchmark::kMicrosecond);

// Encrypts and decrypts one record with state.range(0) queries. An item is a query.
void BM_Record(benchmark::State& state) {
  Side side;
  Pair pair = Connect(side, nullptr);
  const WireMessage queries(kFramedQuerySize * static_cast<size_t>(state.range(0)), 'q');
  for (auto _ : state) {
    pair.client->Write(queries);
    Carry(*pair.client, *pair.server);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Record)->Arg(1)->Arg(4)->Arg(16)->Arg(64);

// Heap memory of an idle session after its handshake, for each side.
void BM_IdleMemory(benchmark::State& state) {
  constexpr size_t kCount = 200;
  Side side;
  std::vector<Pair> pairs;
  Connect(side, nullptr);
  double total = 0, servers = 0;
  for (auto _ : state) {
    const size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < kCount; ++i) pairs.push_back(Connect(side, nullptr));
    const size_t with_both = mallinfo2().uordblks;
    for (Pair& pair : pairs) pair.client.reset();
    servers = static_cast<double>(mallinfo2().uordblks - before);
    total = static_cast<double>(with_both - before);
    pairs.clear();
  }
  state.counters["client_bytes"] = (total - servers) / kCount;
  state.counters["server_bytes"] = servers / kCount;
}
BENCHMARK(BM_IdleMemory)->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace dotcache
