// SPDX-License-Identifier: Apache-2.0
#include "answer/mailbox.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class CountingReader : public Mailbox::Reader {
 public:
  void OnMail() override { ++calls; }
  int calls = 0;
};

class MailboxTest : public testing::Test {
 protected:
  std::vector<HandedQuery> Queries(size_t count) {
    std::vector<HandedQuery> queries;
    const CacheKey key(Question{}, false, false, HashSeed{1, 2});
    for (size_t i = 0; i < count; ++i)
      queries.push_back({Query(), key, {}, nullptr, MonoTime(), 0});
    return queries;
  }

  bool Put(size_t count) {
    std::vector<HandedQuery> queries = Queries(count);
    return mailbox_.Put(queries);
  }

  SimulatedLoop loop_;
  CountingReader reader_;
  Mailbox mailbox_{3};
};

TEST_F(MailboxTest, MailOfManyTurnsWakesTheReaderOnce) {
  mailbox_.Open(loop_, reader_);
  EXPECT_TRUE(Put(2));
  EXPECT_TRUE(Put(1));
  loop_.RunUntilIdle();
  EXPECT_EQ(reader_.calls, 1);
  EXPECT_THAT(mailbox_.Take().queries, SizeIs(3));
  EXPECT_THAT(mailbox_.Take().queries, IsEmpty());
  EXPECT_TRUE(Put(1));
  loop_.RunUntilIdle();
  EXPECT_EQ(reader_.calls, 2);
}

TEST_F(MailboxTest, MailFromBeforeTheOpeningIsDelivered) {
  EXPECT_TRUE(Put(1));
  loop_.RunUntilIdle();
  mailbox_.Open(loop_, reader_);
  loop_.RunUntilIdle();
  EXPECT_EQ(reader_.calls, 1);
  EXPECT_THAT(mailbox_.Take().queries, SizeIs(1));
}

TEST_F(MailboxTest, ClosedBoxTakesNothingAndWakesNoWorker) {
  mailbox_.Open(loop_, reader_);
  EXPECT_TRUE(Put(1));
  mailbox_.Close();
  loop_.RunUntilIdle();
  EXPECT_EQ(reader_.calls, 0);
  EXPECT_THAT(mailbox_.Take().queries, IsEmpty());
  std::vector<HandedQuery> kept = Queries(2);
  EXPECT_FALSE(mailbox_.Put(kept));
  EXPECT_THAT(kept, SizeIs(2));
}

TEST_F(MailboxTest, PlacesAreLimitedAndGivenBack) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(mailbox_.ReserveQuery());
  EXPECT_FALSE(mailbox_.ReserveQuery());
  EXPECT_EQ(mailbox_.query_count(), 3u);
  mailbox_.ReleaseQueries(2);
  EXPECT_TRUE(mailbox_.ReserveQuery());
  EXPECT_EQ(mailbox_.query_count(), 2u);
}

TEST_F(MailboxTest, RepliesAreKeptApartFromQueries) {
  std::vector<HandedReply> replies = {{{}, WireMessage{1, 2}}};
  mailbox_.AddReplyOctets(2);
  EXPECT_TRUE(mailbox_.Put(replies));
  EXPECT_THAT(replies, IsEmpty());
  EXPECT_EQ(mailbox_.reply_octets(), 2u);
  mailbox_.ReleaseReplyOctets(2);
  EXPECT_EQ(mailbox_.reply_octets(), 0u);
  const Mail mail = mailbox_.Take();
  EXPECT_THAT(mail.queries, IsEmpty());
  EXPECT_THAT(mail.replies, SizeIs(1));
}

}  // namespace
}  // namespace dotcache
