// SPDX-License-Identifier: Apache-2.0
// Reads any octets as the entries of a snapshot. The first octet selects what they are. Zero: a
// whole file. Otherwise they are the entries of a block, because a fuzzer cannot find checksums;
// the checksum is added here. Whatever was read is written and read again with the same number of
// entries and octets.
#include <algorithm>
#include <vector>

#include "cache/snapshot.h"
#include "cache/snapshot_format.h"
#include "tests/fuzz/fuzz_target.h"

using namespace dotcache;  // NOLINT

namespace {

constexpr int64_t kNow = 1'700'000'000;
constexpr HashSeed kSeed{1, 2};

uint32_t ZoneOf(const Question&) { return 0; }

SnapshotContext Context() { return {MonoTime(Seconds{1'000'000}), kNow, ZoneOf, /*all_zones=*/0}; }

CacheOptions LargeCache() {
  CacheOptions options;
  options.budget_bytes = size_t{8} << 20;
  return options;
}

void AppendBlock(uint64_t number, uint32_t entries, Bytes octets, std::vector<uint8_t>& file) {
  std::vector<uint8_t> block(kBlockHeadSize);
  StoreU32(block.data(), static_cast<uint32_t>(octets.size()));
  StoreU32(block.data() + 4, entries);
  block.insert(block.end(), octets.begin(), octets.end());
  const uint64_t sum = BlockSum({kNow, 0}, number, block);
  block.resize(block.size() + kBlockSumSize);
  StoreU32(&block[block.size() - 8], static_cast<uint32_t>(sum >> 32));
  StoreU32(&block[block.size() - 4], static_cast<uint32_t>(sum));
  file.insert(file.end(), block.begin(), block.end());
}

std::vector<uint8_t> FileWith(Bytes entries) {
  uint32_t count = 0;
  for (size_t position = 0; position < entries.size(); ++count) {
    if (!ReadSavedEntry(entries, position).has_value()) break;
  }
  std::vector<uint8_t> file = FormatSnapshotHeader({kNow, 0});
  if (!entries.empty()) AppendBlock(0, count, entries, file);
  AppendBlock(entries.empty() ? 0 : 1, count, {}, file);
  return file;
}

absl::StatusOr<SnapshotCounts> Read(Bytes file, ResponseCache& cache) {
  return ReadSnapshot(cache, Context(), Seconds{3600}, [&file](MutableBytes octets) {
    if (octets.size() > file.size()) return absl::DataLossError("it is not complete");
    std::copy_n(file.begin(), octets.size(), octets.begin());
    file.remove_prefix(octets.size());
    return absl::OkStatus();
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes rest(data + 1, size - 1);
  const std::vector<uint8_t> file =
      data[0] == 0 ? std::vector<uint8_t>(rest.begin(), rest.end()) : FileWith(rest);
  ResponseCache cache(LargeCache(), kSeed);
  const auto counts = Read(file, cache);
  FUZZ_CHECK(counts.ok() || cache.Stats().entries == 0);
  if (!counts.ok()) return 0;
  std::vector<uint8_t> again;
  const auto written = WriteSnapshot(cache, Context(), [&again](Bytes octets) {
    again.insert(again.end(), octets.begin(), octets.end());
    return absl::OkStatus();
  });
  FUZZ_CHECK(written.ok());
  ResponseCache copy(LargeCache(), kSeed);
  const auto second = Read(again, copy);
  FUZZ_CHECK(second.ok() && second->entries == *written && second->expired == 0);
  FUZZ_CHECK(copy.Stats().entries == cache.Stats().entries);
  FUZZ_CHECK(copy.Stats().bytes == cache.Stats().bytes);
  return 0;
}
