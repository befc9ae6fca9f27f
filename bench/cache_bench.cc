// SPDX-License-Identifier: Apache-2.0
// The cost of the cache per query: building the key, a hit, and an insertion that evicts an entry.
#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/response_cache.h"

namespace dotcache {
namespace {

constexpr HashSeed kSeed{0x0706050403020100, 0x0f0e0d0c0b0a0908};
constexpr size_t kAnswerSize = 62;
constexpr size_t kSequenceSize = 1 << 20;

MonoTime At(int64_t seconds) { return MonoTime{Seconds{seconds}}; }

// Returns the question www.<number>.example. A IN.
Question MakeQuestion(size_t i) {
  const std::string number = absl::StrCat(1000000 + i);
  const std::string wire =
      absl::StrCat("\x03www\x07", number, "\x07", "example", absl::string_view("\0", 1));
  const Bytes octets(reinterpret_cast<const uint8_t*>(wire.data()), wire.size());
  return {DomainName::FromValidatedWire(octets), QType::kA, QClass::kIn};
}

std::vector<CacheKey> MakeKeys(size_t count) {
  std::vector<CacheKey> keys;
  keys.reserve(count);
  for (size_t i = 0; i < count; ++i) keys.emplace_back(MakeQuestion(i), false, false, kSeed);
  return keys;
}

CacheEntryRef MakeEntry(const CacheKey& key) {
  uint8_t wire[kAnswerSize] = {};
  std::copy(key.question().begin(), key.question().end(), wire + kHeaderSize);
  const uint16_t ttl_offset = kAnswerSize - 10;
  return MakeCacheEntry(StoredView{wire, absl::MakeConstSpan(&ttl_offset, 1)}, EntryFacts{}, At(0),
                        Seconds{3600});
}

// Returns a sequence of names with Zipf popularity: the n-th name occurs 1/n as often as the first.
std::vector<uint32_t> ZipfSequence(size_t names) {
  std::vector<double> cumulative(names);
  double sum = 0;
  for (size_t i = 0; i < names; ++i) cumulative[i] = sum += 1.0 / static_cast<double>(i + 1);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(0, sum);
  std::vector<uint32_t> sequence(kSequenceSize);
  for (uint32_t& name : sequence) {
    const auto it = std::lower_bound(cumulative.begin(), cumulative.end(), uniform(random));
    name = static_cast<uint32_t>(it - cumulative.begin());
  }
  // Shuffles the names, so that popular names are not adjacent in memory.
  std::vector<uint32_t> place(names);
  for (size_t i = 0; i < names; ++i) place[i] = static_cast<uint32_t>(i);
  std::shuffle(place.begin(), place.end(), random);
  for (uint32_t& name : sequence) name = place[name];
  return sequence;
}

// A cache that holds every name, and the order of the lookups.
struct Workload {
  explicit Workload(size_t names)
      : keys(MakeKeys(names)), sequence(ZipfSequence(names)), cache(CacheOptions{}, kSeed) {
    for (const CacheKey& key : keys) cache.Insert(key, MakeEntry(key), At(0));
  }

  std::vector<CacheKey> keys;
  std::vector<uint32_t> sequence;
  ResponseCache cache;
};

void BM_KeyBuild(benchmark::State& state) {
  const Question question = MakeQuestion(1);
  for (auto _ : state) {
    CacheKey key(question, true, false, kSeed);
    benchmark::DoNotOptimize(key);
  }
}
BENCHMARK(BM_KeyBuild);

// Takes a reference to the entry and copies the message, as a reply does. The argument is the
// number of names.
std::unique_ptr<Workload> hit_workload;
void BM_LookupHit(benchmark::State& state) {
  uint8_t reply[kAnswerSize];
  size_t next = static_cast<size_t>(state.thread_index()) * (kSequenceSize / 2);
  uint64_t misses = 0;
  for (auto _ : state) {
    const CacheKey& key = hit_workload->keys[hit_workload->sequence[next]];
    next = (next + 1) % kSequenceSize;
    const CacheEntryRef entry = hit_workload->cache.Lookup(key, At(1)).entry;
    if (entry == nullptr) {
      ++misses;
      continue;
    }
    std::copy_n(entry->view().wire.begin(), kAnswerSize, reply);
    benchmark::DoNotOptimize(reply);
  }
  state.counters["misses"] = static_cast<double>(misses);
}
BENCHMARK(BM_LookupHit)
    ->Setup([](const benchmark::State& state) {
      hit_workload = std::make_unique<Workload>(static_cast<size_t>(state.range(0)));
    })
    ->Teardown([](const benchmark::State&) { hit_workload.reset(); })
    ->Arg(10000)
    ->Arg(100000)
    ->Threads(1)
    ->Threads(2)
    ->UseRealTime();

// The cost of fetching the key from memory, which BM_LookupHit includes.
void BM_KeyFetch(benchmark::State& state) {
  const Workload workload(static_cast<size_t>(state.range(0)));
  size_t next = 0;
  for (auto _ : state) {
    uint64_t hash = workload.keys[workload.sequence[next]].hash();
    next = (next + 1) % kSequenceSize;
    benchmark::DoNotOptimize(hash);
  }
}
BENCHMARK(BM_KeyFetch)->Arg(10000)->Arg(100000);

// Every insertion makes an entry and evicts another. The cache has room for a third of the names.
void BM_InsertEvicting(benchmark::State& state) {
  CacheOptions options;
  options.budget_bytes = 5 << 20;
  ResponseCache cache(options, kSeed);
  const std::vector<CacheKey> keys = MakeKeys(100000);
  for (const CacheKey& key : keys) cache.Insert(key, MakeEntry(key), At(0));
  size_t next = 0;
  for (auto _ : state) {
    cache.Insert(keys[next], MakeEntry(keys[next]), At(1));
    next = (next + 1) % keys.size();
  }
  const CacheStats stats = cache.Stats();
  state.counters["octets_per_entry"] =
      static_cast<double>(stats.bytes) / static_cast<double>(stats.entries);
}
BENCHMARK(BM_InsertEvicting);

void BM_MakeEntry(benchmark::State& state) {
  const CacheKey key(MakeQuestion(1), true, false, kSeed);
  for (auto _ : state) benchmark::DoNotOptimize(MakeEntry(key));
}
BENCHMARK(BM_MakeEntry);

// CPU time of this thread, so that other programs do not matter.
double ThreadMicroseconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// A flush of a million entries that are all in one shard: the time for which one step holds
// the lock of the shard. The argument is the number of slots and entries of a step.
void BM_FlushStep(benchmark::State& state) {
  constexpr size_t kNames = 1'000'000;
  const std::vector<CacheKey> keys = MakeKeys(kNames);
  const DomainName root;
  std::vector<double> steps_us;
  for (auto _ : state) {
    state.PauseTiming();
    LruShard shard(size_t{256} << 20, CacheOptions{});
    for (const CacheKey& key : keys) shard.Insert(key, MakeEntry(key), At(0));
    state.ResumeTiming();
    for (size_t slot = 0; slot != LruShard::kEnd;) {
      const double began = ThreadMicroseconds();
      shard.EraseNames(root.wire(), /*below=*/true, static_cast<size_t>(state.range(0)), slot);
      steps_us.push_back(ThreadMicroseconds() - began);
    }
  }
  std::sort(steps_us.begin(), steps_us.end());
  state.counters["step_p50_us"] = steps_us[steps_us.size() / 2];
  state.counters["step_p999_us"] = steps_us[steps_us.size() * 999 / 1000];
  state.counters["step_max_us"] = steps_us.back();
}
BENCHMARK(BM_FlushStep)->Arg(64)->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace dotcache

BENCHMARK_MAIN();
