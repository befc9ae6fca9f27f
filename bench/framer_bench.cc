// SPDX-License-Identifier: Apache-2.0
// The cost of framing per message, for whole messages and for messages that arrive in parts.
#include <algorithm>

#include "benchmark/benchmark.h"
#include "dns/stream_framer.h"

namespace dotcache {
namespace {

constexpr int kMessages = 16;

// Feeds 16 messages of state.range(0) octets in pieces of state.range(1) octets.
void BM_Frame(benchmark::State& state) {
  const WireMessage message(static_cast<size_t>(state.range(0)));
  const auto piece_size = static_cast<size_t>(state.range(1));
  WireMessage stream;
  for (int i = 0; i < kMessages; ++i) AppendFramed(message, stream);
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

void BM_AppendFramed(benchmark::State& state) {
  const WireMessage message(128);
  WireMessage stream;
  for (auto _ : state) {
    stream.clear();
    for (int i = 0; i < kMessages; ++i) AppendFramed(message, stream);
    benchmark::DoNotOptimize(stream.data());
  }
  state.SetItemsProcessed(state.iterations() * kMessages);
}
BENCHMARK(BM_AppendFramed);

}  // namespace
}  // namespace dotcache
