// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/attempt_table.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::UnorderedElementsAre;

class IdleConnection : public Connection {
 public:
  void Send(const UpstreamQuery&, AttemptId) override {}
  void Forget(AttemptId) override {}
  bool ready() const override { return true; }
  bool HasRoom() const override { return true; }
  int in_flight() const override { return 0; }
  MonoTime last_received() const override { return MonoTime(); }
};

UpstreamQuery QueryFor(absl::string_view name) {
  UpstreamQuery query;
  query.question = {*DomainName::FromText(name), QType::kA, QClass::kIn};
  return query;
}

class AttemptTableTest : public testing::Test {
 protected:
  const MonoTime now_{Seconds(5)};
  IdleConnection first_, second_;
  AttemptTable table_;
};

TEST_F(AttemptTableTest, EachIsFoundByItsConnection) {
  table_.Add(1, first_, now_);
  table_.Add(2, second_, now_);
  table_.Add(3, first_, now_);
  EXPECT_THAT(table_.Of(first_), UnorderedElementsAre(1, 3));
  EXPECT_THAT(table_.TakeOf(first_), UnorderedElementsAre(1, 3));
  EXPECT_EQ(table_.Find(1), nullptr);
  EXPECT_EQ(table_.size(), 1u);
  EXPECT_FALSE(table_.Erase(3));
  EXPECT_TRUE(table_.Erase(2));
}

TEST_F(AttemptTableTest, TheTimeOfAQueuedOneBeginsWhenItsConnectionIsReady) {
  table_.Add(1, first_, now_);
  table_.Add(2, second_, now_);
  EXPECT_EQ(table_.NoteReady(first_, now_ + Seconds(1)), 1u);
  EXPECT_EQ(table_.Find(1)->sent, now_ + Seconds(1));
  EXPECT_EQ(table_.Find(2)->sent, now_);
}

TEST_F(AttemptTableTest, WhoWaitsComesInTurnAndMayLeave) {
  table_.AddWaiting(1, QueryFor("one.example"), now_);
  table_.AddWaiting(2, QueryFor("two.example"), now_);
  table_.AddWaiting(3, QueryFor("three.example"), now_);
  EXPECT_TRUE(table_.Erase(1));
  const auto [id, query] = table_.TakeFirstWaiting();
  EXPECT_EQ(id, 2u);
  EXPECT_EQ(query.question.qname, *DomainName::FromText("two.example"));
  EXPECT_EQ(table_.Find(2), nullptr);  // Until it is added with a connection.
  EXPECT_THAT(table_.TakeWaiting(), UnorderedElementsAre(3));
  EXPECT_FALSE(table_.has_waiting());
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(AttemptTableTest, WhoTimedOutOrWaitsIsNotHopeful) {
  table_.Add(1, first_, now_);
  table_.Add(2, first_, now_);
  table_.Find(2)->timed_out = true;
  table_.AddWaiting(3, QueryFor("three.example"), now_);
  EXPECT_THAT(table_.Hopeful(), UnorderedElementsAre(1));
}

TEST_F(AttemptTableTest, OnlySoManyMayWait) {
  for (AttemptId id = 0; id < AttemptTable::kMaxWaiting; ++id) {
    EXPECT_TRUE(table_.MayWait());
    table_.AddWaiting(id, QueryFor("a.example"), now_);
  }
  EXPECT_FALSE(table_.MayWait());
}

}  // namespace
}  // namespace dotcache
