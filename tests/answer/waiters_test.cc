// SPDX-License-Identifier: Apache-2.0
#include "answer/waiters.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

class WaiterIndexTest : public testing::Test {
 protected:
  Waiters::iterator Add(ClientLoad& load, uint16_t id, Transport transport = Transport::kUdp) {
    Waiter waiter = {};
    waiter.query.id = id;
    waiter.address.transport = transport;
    waiter.address.client.set_port(4711);
    waiter.links.load = &load;
    waiters_.push_back(waiter);
    index_.Add(std::prev(waiters_.end()));
    return std::prev(waiters_.end());
  }

  ClientLoad few_{ClientKey(Endpoint()), {}, {}, {}, {}};
  ClientLoad many_{ClientKey(Endpoint()), {}, {}, {}, {}};
  Waiters waiters_;
  WaiterIndex index_;
};

TEST_F(WaiterIndexTest, ClientWithMostWaitersIsFound) {
  Add(few_, 1);
  const auto removed = Add(many_, 2);
  Add(many_, 3);
  EXPECT_EQ(&index_.Most(), &many_);
  EXPECT_EQ(index_.CountOf(many_), 2u);
  index_.Remove(*removed);
  Add(few_, 4);
  EXPECT_EQ(&index_.Most(), &few_);
  EXPECT_EQ(index_.CountOf(many_), 1u);
}

TEST_F(WaiterIndexTest, WaiterOverUdpIsFoundByItsSender) {
  const auto waiter = Add(few_, 1);
  Add(few_, 2, Transport::kTcp);
  const auto none = waiters_.end();
  Waiter later = *waiter;
  EXPECT_EQ(index_.FindSender(later, none), waiter);
  later.query.id = 2;
  EXPECT_EQ(index_.FindSender(later, none), none);
  later = *waiter;
  later.address.client.set_port(1);
  EXPECT_EQ(index_.FindSender(later, none), none);
  later = *waiter;
  index_.Remove(*waiter);
  EXPECT_EQ(index_.FindSender(later, none), none);
}

TEST_F(WaiterIndexTest, QueryOfAStreamIsNoRepetition) {
  Waiter waiter = *Add(few_, 1);
  EXPECT_TRUE(IsRepeated(waiter, waiter));
  Waiter other = waiter;
  other.query.id = 2;
  EXPECT_FALSE(IsRepeated(waiter, other));
  other = waiter;
  other.address.listener = 2;
  EXPECT_FALSE(IsRepeated(waiter, other));
  waiter.address.transport = Transport::kTcp;
  EXPECT_FALSE(IsRepeated(waiter, waiter));
}

}  // namespace
}  // namespace dotcache
