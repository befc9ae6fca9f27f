// SPDX-License-Identifier: Apache-2.0
#include "server/snapshot_keeper.h"

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "gtest/gtest.h"
#include "net/boot_clock.h"
#include "tests/support/message_builder.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

CacheOptions SmallCache() {
  CacheOptions options;
  options.budget_bytes = 1 << 20;
  return options;
}

// Options with the root zone and one private zone, which has a server at this address.
UpstreamOptions UpstreamsWith(absl::string_view private_server) {
  UpstreamOptions options;
  options.zones.resize(2);
  options.zones[1].zone = *DomainName::FromText("corp.example");
  options.zones[1].servers.resize(1);
  options.zones[1].servers[0].endpoint = *Endpoint::Parse(private_server);
  return options;
}

// A cache with its keeper, as in one run of the server.
struct OneRun {
  OneRun(const SnapshotOptions& options, const UpstreamOptions& upstream)
      : keeper(options, upstream, cache) {
    keeper.Read();
  }

  void Store(const std::string& name) {
    const Question question{*DomainName::FromText(name), QType::kA, QClass::kIn};
    const WireMessage response = MakeResponse(name, QType::kA, {ARecord(name, 300, "192.0.2.1")});
    const auto facts = InspectResponse(response, question);
    ASSERT_TRUE(std::holds_alternative<ResponseFacts>(facts));
    cache.Store({question, false, false, cache.seed()}, response, std::get<ResponseFacts>(facts),
                BootTime());
  }

  ResponseCache cache{SmallCache(), HashSeed::Random()};
  SnapshotKeeper keeper;
};

class SnapshotKeeperTest : public testing::Test {
 protected:
  TestDirectory directory_;
  SnapshotOptions options_{.file = directory_.Path("snapshot")};
  UpstreamOptions upstream_ = UpstreamsWith("192.0.2.53:53");
};

TEST_F(SnapshotKeeperTest, TheNextRunBeginsWithTheEntriesOfTheLast) {
  {
    OneRun first(options_, upstream_);
    first.Store("a.example");
    first.Store("b.corp.example");
    first.keeper.Finish();
    EXPECT_EQ(first.keeper.written(true), 1u);
  }
  const OneRun second(options_, upstream_);
  EXPECT_EQ(second.cache.Stats().entries, 2u);
}

TEST_F(SnapshotKeeperTest, EntriesOfAZoneWithOtherServersAreLeftOut) {
  {
    OneRun first(options_, upstream_);
    first.Store("a.example");
    first.Store("b.corp.example");
    first.keeper.Finish();
  }
  const OneRun second(options_, UpstreamsWith("192.0.2.54:53"));
  EXPECT_EQ(second.cache.Stats().entries, 1u);
}

TEST_F(SnapshotKeeperTest, ASnapshotIsThatOfTheServersAfterAReload) {
  const UpstreamOptions reloaded = UpstreamsWith("192.0.2.54:53");
  {
    OneRun first(options_, upstream_);
    first.keeper.UseZones(reloaded);
    first.Store("b.corp.example");
    first.keeper.Finish();
  }
  EXPECT_EQ(OneRun(options_, upstream_).cache.Stats().entries, 0u);
  EXPECT_EQ(OneRun(options_, reloaded).cache.Stats().entries, 1u);
}

TEST_F(SnapshotKeeperTest, EntriesOfAnInsecureServerEndWhenItBecomesSecure) {
  upstream_.zones[1].servers[0].identity.insecure = true;
  {
    OneRun first(options_, upstream_);
    first.Store("a.corp.example");
    first.keeper.Finish();
  }
  upstream_.zones[1].servers[0].identity.insecure = false;
  EXPECT_EQ(OneRun(options_, upstream_).cache.Stats().entries, 0u);
  upstream_.zones[1].servers[0].identity.pins.resize(1);
  EXPECT_EQ(OneRun(options_, upstream_).cache.Stats().entries, 0u);
}

TEST_F(SnapshotKeeperTest, ADamagedFileIsNotUsed) {
  {
    OneRun first(options_, upstream_);
    first.Store("a.example");
    first.keeper.Finish();
  }
  std::filesystem::resize_file(options_.file, std::filesystem::file_size(options_.file) - 1);
  EXPECT_EQ(OneRun(options_, upstream_).cache.Stats().entries, 0u);
  std::ofstream(options_.file, std::ios::app) << "xy";
  EXPECT_EQ(OneRun(options_, upstream_).cache.Stats().entries, 0u);
}

TEST_F(SnapshotKeeperTest, ItIsWrittenInTheInterval) {
  options_.interval = Seconds{1};
  OneRun first(options_, upstream_);
  first.Store("a.example");
  first.keeper.Start();
  const MonoTime deadline = BootTime() + Seconds{30};
  while (first.keeper.written(true) == 0 && BootTime() < deadline) std::this_thread::yield();
  EXPECT_EQ(OneRun(options_, upstream_).cache.Stats().entries, 1u);
}

TEST_F(SnapshotKeeperTest, AFolderThatDoesNotExistIsCounted) {
  options_.file = directory_.Path("none/snapshot");
  OneRun first(options_, upstream_);
  first.keeper.Finish();
  EXPECT_EQ(first.keeper.written(true), 0u);
  EXPECT_EQ(first.keeper.written(false), 1u);
}

TEST_F(SnapshotKeeperTest, WithoutAFileNothingIsWritten) {
  options_.file = "";
  OneRun first(options_, upstream_);
  first.keeper.Start();
  first.keeper.Finish();
  EXPECT_EQ(first.keeper.written(true) + first.keeper.written(false), 0u);
}

}  // namespace
}  // namespace dotcache
