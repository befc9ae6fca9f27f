// SPDX-License-Identifier: Apache-2.0
#include "core/chain.h"

#include <vector>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

struct Item {
  int number;
  ChainLink<Item> link = {};
};

class ChainTest : public testing::Test {
 protected:
  void SetUp() override {
    for (Item* item : {&a_, &b_, &c_}) chain_.Append(item->link, *item);
  }

  // Takes the items out, from the front.
  std::vector<int> TakeNumbers() {
    std::vector<int> numbers;
    while (!chain_.empty()) {
      Item& item = chain_.front();
      numbers.push_back(item.number);
      chain_.Remove(item.link);
    }
    return numbers;
  }

  Item a_{1};
  Item b_{2};
  Item c_{3};
  Chain<Item> chain_;
};

TEST_F(ChainTest, ItemsAreInTheOrderInWhichTheyWereAdded) {
  EXPECT_EQ(chain_.size(), 3u);
  EXPECT_EQ(&chain_.back(), &c_);
  EXPECT_EQ(TakeNumbers(), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(chain_.size(), 0u);
}

TEST_F(ChainTest, ItemIsRemovedFromTheFrontTheMiddleAndTheEnd) {
  chain_.Remove(b_.link);
  EXPECT_EQ(chain_.size(), 2u);
  chain_.Append(b_.link, b_);
  chain_.Remove(a_.link);
  EXPECT_EQ(chain_.front().number, 3);
  chain_.Remove(b_.link);
  chain_.Append(a_.link, a_);
  EXPECT_EQ(TakeNumbers(), (std::vector<int>{3, 1}));
}

TEST_F(ChainTest, RemovedItemMayJoinAnotherChain) {
  Chain<Item> other;
  chain_.Remove(a_.link);
  EXPECT_EQ(a_.link.item, nullptr);
  other.Append(a_.link, a_);
  EXPECT_EQ(other.front().number, 1);
  EXPECT_EQ(TakeNumbers(), (std::vector<int>{2, 3}));
}

}  // namespace
}  // namespace dotcache
