// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/probe_gate.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr MonoTime kStart{Seconds(1000)};

TEST(ProbeGateTest, OnePassesInAnInterval) {
  ProbeGate gate;
  EXPECT_TRUE(gate.TryPass(kStart));
  EXPECT_FALSE(gate.TryPass(kStart));
  EXPECT_FALSE(gate.TryPass(kStart + Milliseconds(999)));
  EXPECT_TRUE(gate.TryPass(kStart + Seconds(1)));
  EXPECT_FALSE(gate.TryPass(kStart + Seconds(1)));
}

TEST(ProbeGateTest, OfManyThreadsOnePasses) {
  ProbeGate gate;
  std::atomic<int> passed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&gate, &passed] {
      for (int tries = 0; tries < 1000; ++tries) passed += gate.TryPass(kStart) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(passed.load(), 1);
}

TEST(ProbeGateTest, ItTellsWhenTheServerWasUp) {
  ProbeGate gate;
  EXPECT_EQ(gate.up_at(), MonoTime());
  gate.NoteUp(kStart);
  EXPECT_EQ(gate.up_at(), kStart);
}

}  // namespace
}  // namespace dotcache
