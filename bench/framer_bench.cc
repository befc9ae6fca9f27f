// SPDX-License-Identifier: Apache-2.0
// The cost of framing per message: for whole messages, for messages that arrive in parts, and for
// the queries and replies of a client connection.
#include <algorithm>
#include <memory>
#include <vector>

#include "answer/query_handler.h"
#include "benchmark/benchmark.h"
#include "dns/message_writer.h"
#include "dns/stream_framer.h"
#include "net/uv_loop.h"
#include "server/session_table.h"

namespace dotcache {
namespace {

constexpr int kMessages = 16;

// Repeats `message` `count` times, each time after its length prefix (RFC 1035 section 4.2.2).
WireMessage FramedTimes(int count, const WireMessage& message) {
  WireMessage stream;
  for (int i = 0; i < count; ++i) {
    stream.push_back(static_cast<uint8_t>(message.size() >> 8));
    stream.push_back(static_cast<uint8_t>(message.size()));
    stream.insert(stream.end(), message.begin(), message.end());
  }
  return stream;
}

// Feeds 16 messages of state.range(0) octets in pieces of state.range(1) octets.
void BM_Frame(benchmark::State& state) {
  const WireMessage stream =
      FramedTimes(kMessages, WireMessage(static_cast<size_t>(state.range(0))));
  const auto piece_size = static_cast<size_t>(state.range(1));
  StreamFramer framer;
  for (auto _ : state) {
    for (Bytes rest(stream); !rest.empty();) {
      const Bytes piece = rest.first(std::min(piece_size, rest.size()));
      rest.remove_prefix(piece.size());
      framer.Feed(piece);
      while (std::optional<Bytes> next = framer.Next()) benchmark::DoNotOptimize(next);
    }
  }
  state.SetItemsProcessed(state.iterations() * kMessages);
}
BENCHMARK(BM_Frame)
    ->ArgNames({"message", "piece"})
    ->Args({128, 65536})
    ->Args({128, 100})
    ->Args({1200, 65536})
    ->Args({1200, 1400})
    ->Args({128, 1});

// A connection that accepts and drops all data.
class EndlessStream : public ByteStream {
 public:
  void Write(Bytes data) override { benchmark::DoNotOptimize(data.data()); }
  void ShutdownWrite() override {}
  void SetReadPaused(bool) override {}
  size_t pending_write_bytes() const override { return 0; }
  size_t refused_write_bytes() const override { return 0; }
};

// Fails every exchange. The access policy refuses each query before this.
class NoExchanger : public Exchanger {
 public:
  ExchangeOr<ExchangeId> Exchange(const UpstreamQuery&, MonoTime, ExchangeCallback) override {
    return ExchangeFailure::kUnreachable;
  }
  void Cancel(ExchangeId) override {}
};

// Reads 16 queries from a client connection and writes 16 framed replies. The access policy refuses
// each query: this is the cheapest reply, so framing takes most of the time.
void BM_SessionRoundTrip(benchmark::State& state) {
  UvLoop loop;
  ResponseCache cache(CacheOptions{.budget_bytes = size_t{1} << 20}, HashSeed{1, 2});
  NoExchanger exchanger;
  const AccessPolicy refuse_all{std::vector<AddressPrefix>{}};
  WorkerCounters counters;
  const ServerLimits limits{};
  StreamShares shares(limits.max_streams_per_client);
  SessionTable table(loop, limits, counters, shares);
  QueryHandler handler(
      QueryHandler::Environment{loop, cache, &exchanger, refuse_all, nullptr, counters, limits});
  table.set_handler(handler);
  TcpSession* session = table.NewSession(Transport::kTcp, *Endpoint::Parse("127.0.0.1:4711"));
  session->Serve(std::make_unique<EndlessStream>());

  WireMessage query(512);
  MessageWriter writer(MutableBytes(query), {.id = 1, .flags = kFlagRd});
  writer.AddQuestion(DomainName::FromText("www.example.com").value(), QType::kA, QClass::kIn);
  query.resize(writer.size());
  const WireMessage stream = FramedTimes(kMessages, query);
  for (auto _ : state) session->stream_delegate().OnStreamData(stream);
  state.SetItemsProcessed(state.iterations() * kMessages);
}
BENCHMARK(BM_SessionRoundTrip);

}  // namespace
}  // namespace dotcache
