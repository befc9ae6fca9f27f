// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/server_status.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(ServerStatusTest, EachStateHasItsName) {
  std::vector<absl::string_view> names;
  for (const ServerState state :
       {ServerState::kUp, ServerState::kOnTrial, ServerState::kDown, ServerState::kDead,
        ServerState::kNoAddress, ServerState::kNoCarrier, ServerState::kLoop}) {
    names.push_back(ServerStateName(state));
  }
  EXPECT_THAT(names, testing::ElementsAre("up", "on-trial", "down", "dead", "no-address",
                                          "no-carrier", "loop"));
}

TEST(ServerStatusTest, EachStateTakesQueriesOrIsDownOrIsUnusable) {
  for (int state = 0; state <= static_cast<int>(ServerState::kLoop); ++state) {
    ServerStatus status;
    status.state = static_cast<ServerState>(state);
    EXPECT_EQ(status.TakesQueries() + status.down() + status.unusable(), 1) << state;
  }
}

}  // namespace
}  // namespace dotcache
