// SPDX-License-Identifier: Apache-2.0
// The time to write a cache with a million answers as a snapshot in memory, and to read it again.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/snapshot.h"
#include "dns/message_writer.h"

namespace dotcache {
namespace {

constexpr size_t kEntries = 1'000'000;
constexpr uint8_t kAddress[] = {192, 0, 2, 1};

MonoTime Now() { return MonoTime(Seconds{1'000'000}); }

uint32_t OneZone(const Question&) { return 0; }

SnapshotContext Context() { return {Now(), 1'700'000'000, OneZone, 0}; }

CacheOptions LargeCache() {
  CacheOptions options;
  options.budget_bytes = size_t{512} << 20;
  return options;
}

// Stores an answer with one address for each name.
void Fill(ResponseCache& cache) {
  for (size_t i = 0; i < kEntries; ++i) {
    const Question question{*DomainName::FromText(absl::StrCat("host-", i, ".www.example.com")),
                            QType::kA, QClass::kIn};
    uint8_t wire[512] = {};
    MessageWriter writer(absl::MakeSpan(wire), {.flags = kFlagQr | kFlagRd | kFlagRa});
    writer.AddQuestion(question.qname, question.qtype, question.qclass);
    writer.AddAnswer(question.qname, QType::kA, 3600, kAddress);
    const Bytes response(wire, writer.size());
    const auto facts = InspectResponse(response, question);
    cache.Store({question, false, false, cache.seed()}, response, std::get<ResponseFacts>(facts),
                Now());
  }
}

void BM_Snapshot(benchmark::State& state) {
  ResponseCache cache(LargeCache(), HashSeed::Random());
  Fill(cache);
  std::vector<uint8_t> file;
  const auto write = [&] {
    file.clear();
    return WriteSnapshot(cache, Context(), [&file](Bytes octets) {
      file.insert(file.end(), octets.begin(), octets.end());
      return absl::OkStatus();
    });
  };
  const bool reads = state.range(0) == 1;
  if (reads) write().IgnoreError();
  for (auto step : state) {
    if (!reads) {
      benchmark::DoNotOptimize(write());
      continue;
    }
    ResponseCache copy(LargeCache(), HashSeed::Random());
    size_t position = 0;
    const auto counts = ReadSnapshot(copy, Context(), Seconds{60}, [&](MutableBytes octets) {
      std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(position), octets.size(),
                  octets.begin());
      position += octets.size();
      return absl::OkStatus();
    });
    if (!counts.ok()) state.SkipWithError("not read");
  }
  state.counters["entries"] = static_cast<double>(cache.Stats().entries);
  state.counters["octets"] = static_cast<double>(file.size());
}
BENCHMARK(BM_Snapshot)->Arg(0)->Arg(1)->ArgName("reads")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace dotcache
