// SPDX-License-Identifier: Apache-2.0
#include "answer/client_loads.h"

#include "answer/pending_queries.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

ClientKey Client(absl::string_view address) {
  return ClientKey(*Endpoint::ParseAddress(address, 1234));
}

class ClientLoadsTest : public testing::Test {
 protected:
  Waiter& Wait(ClientLoad& load) {
    Waiter& waiter = waiters_.emplace_back();
    loads_.AddWaiting(load, waiter);
    return waiter;
  }

  Waiters waiters_;
  PendingKey key_;
  ClientLoads loads_;
};

TEST_F(ClientLoadsTest, AddressesOfOneClientHaveOneLoad) {
  ClientLoad& load = loads_.Of(Client("2001:db8:0:1::1"));
  EXPECT_EQ(&load, &loads_.Of(Client("2001:db8:0:1:ffff::2")));
  EXPECT_NE(&load, &loads_.Of(Client("2001:db8:0:2::1")));
}

TEST_F(ClientLoadsTest, ClientWithTheHighestCountIsFoundAfterEachChange) {
  ClientLoad& a = loads_.Of(Client("192.0.2.1"));
  ClientLoad& b = loads_.Of(Client("192.0.2.2"));
  Waiter& a1 = Wait(a);
  EXPECT_EQ(&loads_.MostWaiting(), &a);
  Wait(b);
  Waiter& b2 = Wait(b);
  EXPECT_EQ(&loads_.MostWaiting(), &b);
  Wait(a);
  Wait(a);
  EXPECT_EQ(&loads_.MostWaiting(), &a);
  loads_.RemoveWaiting(a, a1);
  loads_.RemoveWaiting(b, b2);
  EXPECT_EQ(&loads_.MostWaiting(), &a);
  EXPECT_EQ(a.waiting.size(), 2u);
  loads_.AddHeld(b, key_);
  EXPECT_EQ(&loads_.MostHeld(), &b);
  loads_.RemoveHeld(b, key_);
  EXPECT_TRUE(loads_.MostHeld().held.empty());
}

TEST_F(ClientLoadsTest, ClientWithoutWaitingQueriesUsesNoMemory) {
  ClientLoad& load = loads_.Of(Client("192.0.2.1"));
  Waiter& waiting = Wait(load);
  loads_.DropIfIdle(load);
  EXPECT_EQ(loads_.size(), 1u);
  loads_.RemoveWaiting(load, waiting);
  loads_.DropIfIdle(load);
  EXPECT_EQ(loads_.size(), 0u);
}

}  // namespace
}  // namespace dotcache
