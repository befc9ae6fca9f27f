// SPDX-License-Identifier: Apache-2.0
#include "admin/allocated_memory.h"

#include <cstring>
#include <memory>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

// Far more than other code allocates during the test.
constexpr size_t kBlockBytes = size_t{64} << 20;

TEST(AllocatedMemoryTest, FigureIsKeptForTenSecondsAndThenRefreshed) {
  const MonoTime start{Seconds(100)};
  AllocatedMemory memory;
  const uint64_t before = memory.InUse(start);
  if (before == 0) GTEST_SKIP() << "this allocator has no statistics (a sanitizer's)";
  const std::unique_ptr<char[]> block(new char[kBlockBytes]);
  std::memset(block.get(), 1, kBlockBytes);
  EXPECT_EQ(memory.InUse(start + AllocatedMemory::kGoodFor - Duration(1)), before);
  EXPECT_GE(memory.InUse(start + AllocatedMemory::kGoodFor), before + kBlockBytes);
}

}  // namespace
}  // namespace dotcache
