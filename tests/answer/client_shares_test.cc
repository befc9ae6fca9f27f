// SPDX-License-Identifier: Apache-2.0
#include "answer/client_shares.h"

#include <initializer_list>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using Outcome = ClientShares::Outcome;

Endpoint Client(absl::string_view address) { return *Endpoint::ParseAddress(address, 1234); }

// Calls Take() for each of these clients in order and returns the results.
std::vector<Outcome> Take(ClientShares& shares, std::initializer_list<absl::string_view> clients) {
  std::vector<Outcome> outcomes;
  for (absl::string_view client : clients) outcomes.push_back(shares.Take(Client(client)));
  return outcomes;
}

TEST(ClientSharesTest, ClientAtItsLimitDoesNotAffectOtherClients) {
  ClientShares shares(2, 10);
  EXPECT_THAT(Take(shares, {"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"}),
              ElementsAre(Outcome::kTaken, Outcome::kTaken, Outcome::kClientFull, Outcome::kTaken));
}

TEST(ClientSharesTest, ReturnedShareCanBeTakenAgain) {
  ClientShares shares(1, 10);
  EXPECT_EQ(shares.Take(Client("192.0.2.1")), Outcome::kTaken);
  shares.Return(Client("192.0.2.1"));
  EXPECT_EQ(shares.Take(Client("192.0.2.1")), Outcome::kTaken);
}

TEST(ClientSharesTest, AllClientsTogetherHaveALimit) {
  ClientShares shares(10, 2);
  EXPECT_THAT(Take(shares, {"192.0.2.1", "192.0.2.2", "192.0.2.3"}),
              ElementsAre(Outcome::kTaken, Outcome::kTaken, Outcome::kAllFull));
  shares.Return(Client("192.0.2.1"));
  EXPECT_EQ(shares.Take(Client("192.0.2.3")), Outcome::kTaken);
}

TEST(ClientSharesTest, ClientIsKnownByItsKey) {
  ClientShares shares(1, 10);
  EXPECT_THAT(Take(shares, {"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"}),
              ElementsAre(Outcome::kTaken, Outcome::kClientFull, Outcome::kTaken));
}

TEST(ClientSharesTest, ClientWithoutWaitingQueriesUsesNoMemory) {
  ClientShares shares(1, 10);
  EXPECT_EQ(shares.Take(Client("192.0.2.1")), Outcome::kTaken);
  shares.Return(Client("192.0.2.1"));
  EXPECT_EQ(shares.client_count(), 0u);
}

}  // namespace
}  // namespace dotcache
