// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/server_status.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(ServerStatusTest, EveryStateHasANameOfItsOwn) {
  std::set<std::string> names;
  for (int state = 0; state <= static_cast<int>(ServerState::kLoop); ++state) {
    names.insert(std::string(ServerStateName(static_cast<ServerState>(state))));
  }
  EXPECT_EQ(names.size(), 7u);
  EXPECT_FALSE(names.contains("unknown"));
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
