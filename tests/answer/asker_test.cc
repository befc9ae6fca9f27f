// SPDX-License-Identifier: Apache-2.0
#include "answer/asker.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

const Endpoint kClient = *Endpoint::Parse("192.0.2.1:4242");

TEST(AskerTest, AnExchangeIsObservedIfTheQueryIsLogged) {
  const NoteQueue log(10, /*with_messages=*/true, /*upstream=*/true);
  int observed = 0;
  for (int i = 0; i < 1000; ++i) {
    const MonoTime arrival{Duration{i}};
    const Asker asker = Asker::Of(kClient, arrival, &log);
    EXPECT_EQ(asker.observed, log.IsSampled(kClient, arrival));
    EXPECT_EQ(asker.QueryFor({}, false, false).observed, asker.observed);
    observed += asker.observed ? 1 : 0;
  }
  EXPECT_GT(observed, 50);
  EXPECT_LT(observed, 200);
}

TEST(AskerTest, NoExchangeIsObservedWithoutTheSetting) {
  const NoteQueue log(1, /*with_messages=*/true);
  EXPECT_FALSE(Asker::Of(kClient, MonoTime(), &log).observed);
  EXPECT_FALSE(Asker::Of(kClient, MonoTime(), nullptr).observed);
}

TEST(AskerTest, APrefetchHasNoClientAndIsSampledOnItsOwn) {
  const NoteQueue log(1, /*with_messages=*/true, /*upstream=*/true);
  EXPECT_EQ(Asker::None(MonoTime(), &log).client, 0u);
  EXPECT_TRUE(Asker::None(MonoTime(), &log).observed);
  EXPECT_NE(Asker::Of(kClient, MonoTime(), &log).client, 0u);
}

}  // namespace
}  // namespace dotcache
