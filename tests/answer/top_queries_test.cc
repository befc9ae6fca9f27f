// SPDX-License-Identifier: Apache-2.0
#include "answer/top_queries.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr MonoTime kStart{Seconds(1000)};

class TopQueriesTest : public testing::Test {
 protected:
  void Count(size_t worker, const char* name, QType type, MonoTime now) {
    if (top_.measuring()) {
      top_.Count(worker, {*DomainName::FromText(name), type, QClass::kIn},
                 *Endpoint::Parse("192.0.2.1:5353"), now);
    }
  }

  TopQueries top_{2};
};

TEST_F(TopQueriesTest, NothingIsCountedWithoutAMeasurement) {
  EXPECT_FALSE(top_.measuring());
  EXPECT_EQ(top_.Take(10).queries, 0u);
}

TEST_F(TopQueriesTest, NamesOfAllWorkersAreCountedUntilTheEnd) {
  ASSERT_TRUE(top_.Start(TopQueries::By::kNames, Seconds(5), kStart));
  EXPECT_FALSE(top_.Start(TopQueries::By::kTypes, Seconds(5), kStart + Seconds(4)));
  Count(0, "WWW.example", QType::kA, kStart);
  Count(1, "www.example", QType::kAaaa, kStart + Seconds(4));
  Count(1, "other.example", QType::kA, kStart + Seconds(4));
  Count(0, "late.example", QType::kA, kStart + Seconds(5));
  EXPECT_FALSE(top_.measuring());
  EXPECT_FALSE(top_.RunsAt(kStart + Seconds(5)));
  const TopQueries::Result result = top_.Take(1);
  EXPECT_EQ(result.queries, 3u);
  ASSERT_EQ(result.items.size(), 1u);
  EXPECT_EQ(result.items[0].key, "www.example.");
  EXPECT_EQ(result.items[0].count, 2u);
  // It is forgotten, because names are private.
  EXPECT_EQ(top_.Take(1).queries, 0u);
}

TEST_F(TopQueriesTest, AResultThatIsNotTakenIsForgotten) {
  const auto count = [this](Duration until_forgotten) {
    top_.Start(TopQueries::By::kNames, Seconds(5), kStart);
    Count(0, "a.example", QType::kA, kStart);
    top_.ForgetUnread(kStart + Seconds(5) + until_forgotten);
    return top_.Take(1).queries;
  };
  EXPECT_EQ(count(TopQueries::kUnread - Seconds(1)), 1u);
  EXPECT_EQ(count(TopQueries::kUnread), 0u);
}

TEST_F(TopQueriesTest, ClientsAndTypesAreCounted) {
  top_.Start(TopQueries::By::kClients, Seconds(5), kStart);
  Count(0, "a.example", QType::kA, kStart);
  EXPECT_EQ(top_.Take(1).items[0].key, "192.0.2.1");
  top_.Start(TopQueries::By::kTypes, Seconds(5), kStart);
  Count(0, "a.example", QType::kAaaa, kStart);
  EXPECT_EQ(top_.Take(1).items[0].key, "AAAA");
}

}  // namespace
}  // namespace dotcache
