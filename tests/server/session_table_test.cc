// SPDX-License-Identifier: Apache-2.0
#include "server/session_table.h"

#include <deque>

#include "gmock/gmock.h"
#include "tests/server/session_test_support.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using SessionTableTest = SessionTest;

TEST_F(SessionTableTest, EachClientGetsItsOwnReplies) {
  FakeClient a = Connect();
  FakeClient b = Connect(Transport::kDot);
  a.Send(Query(1));
  b.Send(Query(2));
  Answer(1);
  Answer(0);
  EXPECT_THAT(a.ReplyIds(), ElementsAre(1));
  EXPECT_THAT(b.ReplyIds(), ElementsAre(2));
  EXPECT_EQ(counters_.queries[static_cast<size_t>(Transport::kTcp)].value(), 1u);
  EXPECT_EQ(counters_.queries[static_cast<size_t>(Transport::kDot)].value(), 1u);
}

TEST_F(SessionTableTest, AtTheLimitTheLeastActiveClientMakesRoom) {
  limits_.max_stream_connections = 3;
  FakeClient a = Connect();
  FakeClient b = Connect();
  FakeClient c = Connect();
  a.Send(Query(1));
  Answer(0);  // Now `b` is the least active client.
  FakeClient d = Connect();
  loop_.RunUntilIdle();
  EXPECT_TRUE(d.accepted());
  EXPECT_TRUE(b.closed());
  EXPECT_FALSE(a.closed());
  EXPECT_FALSE(c.closed());
  EXPECT_EQ(table_->size(), 3u);
  EXPECT_EQ(counters_.limit(Limit::kConnections).value(), 0u);
}

TEST_F(SessionTableTest, UnreadRepliesEndTheLeastActiveClients) {
  FakeClient idle = Connect();
  FakeClient slow = Connect();
  FakeClient slower = Connect();
  FakeClient reader = Connect();
  slow.stream().pending_write_bytes = SessionTable::kMaxUnreadBytes / 2;
  slower.stream().pending_write_bytes = SessionTable::kMaxUnreadBytes / 2 + 1;
  // Unread replies are checked after each 256 KiB of replies.
  reader.Send(Query(1));
  Answer(0);
  EXPECT_FALSE(slow.closed());
  for (int hits = 0; hits < 8000; ++hits) reader.Send(Query(1));
  loop_.RunUntilIdle();
  EXPECT_TRUE(slow.closed());
  EXPECT_FALSE(slower.closed());
  EXPECT_FALSE(idle.closed());
  EXPECT_FALSE(reader.closed());
  EXPECT_EQ(counters_.limit(Limit::kUnread).value(), 1u);
}

// Returns the beginning of a message of the largest size.
WireMessage Beginning(size_t size) {
  WireMessage octets(size);
  octets[0] = octets[1] = 0xff;
  return octets;
}

TEST_F(SessionTableTest, IncompleteMessagesEndTheLeastActiveClients) {
  constexpr size_t kEach = 60'000;
  constexpr size_t kRoomFor = SessionTable::kMaxUnfinishedBytes / kEach;
  FakeClient idle = Connect();
  FakeClient early = Connect();
  FakeClient active = Connect();
  early.SendOctets(Beginning(kEach));
  active.SendOctets(Beginning(kEach));
  std::deque<FakeClient> held;
  for (size_t i = 2; i < kRoomFor; ++i) {
    held.push_back(Connect());
    held.back().SendOctets(Beginning(kEach));
  }
  loop_.RunUntilIdle();
  EXPECT_FALSE(early.closed());
  EXPECT_EQ(counters_.limit(Limit::kUnfinished).value(), 0u);
  // One more incomplete message ends one client.
  held.push_back(Connect());
  held.back().SendOctets(Beginning(kEach));
  loop_.RunUntilIdle();
  EXPECT_TRUE(early.closed());
  EXPECT_FALSE(active.closed());
  EXPECT_FALSE(idle.closed());
  EXPECT_FALSE(held.back().closed());
  EXPECT_EQ(counters_.limit(Limit::kUnfinished).value(), 1u);
  EXPECT_EQ(table_->held_bytes(), kRoomFor * kEach);
}

TEST_F(SessionTableTest, LeastAdvancedHandshakesMakeRoom) {
  constexpr size_t kEach = 16'000;
  constexpr size_t kCost = kEach + kAnsweredHandshakeBytes;
  FakeClient partial_query = Connect();
  partial_query.SendOctets(Beginning(100));
  FakeClient silent = Connect(Transport::kDot);
  FakeClient answered = Connect(Transport::kDot);
  answered.Handshake(kEach, /*answered=*/false);
  answered.Handshake(kEach, /*answered=*/true);
  FakeClient hello = Connect(Transport::kDot);
  hello.Handshake(kCost, /*answered=*/false);
  std::deque<FakeClient> others;
  while (table_->held_bytes() + kCost <= SessionTable::kMaxUnfinishedBytes) {
    others.push_back(Connect("10.0.0.1", Transport::kDot));
    others.back().Handshake(kEach, /*answered=*/true);
  }
  EXPECT_FALSE(hello.closed());
  EXPECT_EQ(counters_.limit(Limit::kUnfinished).value(), 0u);
  const auto add = [&] {
    others.push_back(Connect("10.0.0.2", Transport::kDot));
    others.back().Handshake(kEach, /*answered=*/true);
    loop_.RunUntilIdle();
  };
  add();
  EXPECT_TRUE(hello.closed());
  EXPECT_FALSE(answered.closed());
  add();
  EXPECT_TRUE(answered.closed());
  EXPECT_FALSE(partial_query.closed());
  EXPECT_FALSE(silent.closed());
  EXPECT_LE(table_->held_bytes(), SessionTable::kMaxUnfinishedBytes);
}

TEST_F(SessionTableTest, CompleteHandshakeReturnsItsMemory) {
  FakeClient client = Connect(Transport::kDot);
  client.Handshake(500, /*answered=*/false);
  EXPECT_EQ(table_->held_bytes(), 500u);
  client.Handshake(500, /*answered=*/true);
  EXPECT_EQ(table_->held_bytes(), 500u + kAnsweredHandshakeBytes);
  client.FinishHandshake();
  EXPECT_EQ(table_->held_bytes(), 0u);
  FakeClient broken = Connect(Transport::kDot);
  broken.Handshake(700, /*answered=*/true);
  broken.Break();
  EXPECT_EQ(table_->held_bytes(), 0u);
}

TEST_F(SessionTableTest, BacklogsCountWithTheirOverhead) {
  limits_.tuning.max_queries_per_connection = 1;
  FakeClient client = Connect();
  client.SendOctets(FramedQueries(3));  // One is being answered, two wait.
  EXPECT_EQ(table_->held_bytes(), 2 * (sizeof(WireMessage) + Query(2).size()));
  Answer(0);
  Answer(1);
  EXPECT_EQ(table_->held_bytes(), 0u);
  // Empty messages. They are recognized as broken only when they leave the backlog.
  client.SendOctets(WireMessage(size_t{2} * 1000));
  EXPECT_EQ(table_->held_bytes(), 1000 * sizeof(WireMessage));
  client.Break();
  EXPECT_EQ(table_->held_bytes(), 0u);
}

TEST_F(SessionTableTest, CompleteQueryReturnsItsHeldOctets) {
  FakeClient client = Connect();
  const WireMessage query = FramedQueries(1);
  client.SendOctets(Bytes(query).first(1));
  EXPECT_GT(table_->held_bytes(), 0u);
  client.SendOctets(Bytes(query).subspan(1));
  EXPECT_EQ(table_->held_bytes(), 0u);
  Answer(0);
  EXPECT_THAT(client.ReplyIds(), ElementsAre(1));
}

TEST_F(SessionTableTest, OneClientOverTheLimitIsEndedInItsOwnTurn) {
  limits_.tuning.max_queries_per_connection = 1;
  FakeClient client = Connect();
  client.Send(Query(1));
  client.SendOctets(WireMessage(SessionTable::kMaxUnfinishedBytes / 8));
  client.SendOctets(WireMessage(2));  // Nothing more is read.
  loop_.RunUntilIdle();
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(table_->held_bytes(), 0u);
  EXPECT_EQ(counters_.limit(Limit::kUnfinished).value(), 1u);
}

TEST_F(SessionTableTest, ClientThatWaitsForAReplyDoesNotMakeRoom) {
  limits_.max_stream_connections = 2;
  FakeClient a = Connect();
  a.Send(Query(1));
  FakeClient b = Connect();
  FakeClient c = Connect();
  loop_.RunUntilIdle();
  EXPECT_TRUE(c.accepted());
  EXPECT_FALSE(a.closed());
  EXPECT_TRUE(b.closed());
}

TEST_F(SessionTableTest, IfNoClientIsIdleTheNewOneIsRefused) {
  limits_.max_stream_connections = 2;
  FakeClient a = Connect();
  FakeClient b = Connect();
  a.Send(Query(1));
  b.Send(Query(2));
  FakeClient c = Connect();
  EXPECT_FALSE(c.accepted());
  EXPECT_EQ(counters_.limit(Limit::kConnections).value(), 1u);
  EXPECT_EQ(table_->size(), 2u);
  Answer(0);
  FakeClient d = Connect();
  EXPECT_TRUE(d.accepted());
}

TEST_F(SessionTableTest, SearchForAnIdleClientIsBounded) {
  limits_.max_stream_connections = SessionTable::kMaxEvictionScan + 1;
  std::deque<FakeClient> busy;
  for (int i = 0; i < SessionTable::kMaxEvictionScan; ++i) {
    busy.push_back(Connect());
    busy.back().Send(Query(static_cast<uint16_t>(i)));
  }
  FakeClient idle = Connect();
  EXPECT_FALSE(Connect().accepted());
  Answer(0);
  EXPECT_TRUE(Connect().accepted());
}

// The address of one of many clients.
std::string Address(int number) { return absl::StrCat("10.0.0.", number); }

TEST_F(SessionTableTest, OneClientCannotUseThePlacesOfOtherClients) {
  limits_.max_streams_per_client = 2;
  FakeClient first = Connect(Address(1));
  FakeClient second = Connect(Address(1), Transport::kDot);
  first.Send(Query(1));
  second.Send(Query(2));
  EXPECT_FALSE(Connect(Address(1)).accepted());
  EXPECT_EQ(counters_.limit(Limit::kConnectionsPerClient).value(), 1u);
  EXPECT_TRUE(Connect(Address(2)).accepted());
  EXPECT_FALSE(first.closed());
  Answer(0);  // `first` is idle now.
  EXPECT_TRUE(Connect(Address(1)).accepted());
  loop_.RunUntilIdle();
  EXPECT_TRUE(first.closed());
  EXPECT_FALSE(second.closed());
}

TEST_F(SessionTableTest, ConnectionsOfAClientCountOverAllWorkers) {
  limits_.max_streams_per_client = 2;
  shares_ = std::make_shared<StreamShares>(2);
  SessionTable other_worker(loop_, limits_, counters_, *shares_);
  FakeClient here = Connect(Address(1));
  FakeClient second_here = Connect(Address(1));
  other_worker.set_handler(*handler_);
  const auto connect_there = [&](int number) {
    return FakeClient(
        other_worker.NewSession(Transport::kTcp, *Endpoint::ParseAddress(Address(number), 1)));
  };
  // All places are used here, and the other worker cannot end sessions here: it accepts one.
  FakeClient there = connect_there(1);
  EXPECT_TRUE(there.accepted());
  there.Send(Query(1));
  EXPECT_FALSE(connect_there(1).accepted());
  EXPECT_TRUE(connect_there(2).accepted());
  here.Break();
  EXPECT_FALSE(connect_there(1).accepted());
  second_here.Break();
  EXPECT_TRUE(connect_there(1).accepted());
}

TEST_F(SessionTableTest, BeyondItsLimitAClientReplacesItsIdleConnection) {
  limits_.max_streams_per_client = 1;
  shares_ = std::make_shared<StreamShares>(1);
  SessionTable other_worker(loop_, limits_, counters_, *shares_);
  FakeClient here = Connect(Address(1));
  other_worker.set_handler(*handler_);
  const Endpoint client = *Endpoint::ParseAddress(Address(1), 1);
  FakeClient there(other_worker.NewSession(Transport::kTcp, client));
  FakeClient next_there(other_worker.NewSession(Transport::kTcp, client));
  loop_.RunUntilIdle();
  EXPECT_TRUE(there.closed());
  EXPECT_TRUE(next_there.accepted());
  EXPECT_FALSE(here.closed());
  next_there.Break();
  here.Break();
}

TEST_F(SessionTableTest, TheClientWithMostConnectionsMakesRoom) {
  limits_.max_stream_connections = 4;
  FakeClient idle = Connect(Address(1));
  FakeClient busy = Connect(Address(2));
  FakeClient most_busy = Connect(Address(3));
  FakeClient most_idle = Connect(Address(3));
  busy.Send(Query(1));
  most_busy.Send(Query(2));
  EXPECT_TRUE(Connect(Address(4)).accepted());  // An idle connection goes first.
  loop_.RunUntilIdle();
  EXPECT_TRUE(most_idle.closed());
  EXPECT_FALSE(most_busy.closed());
  EXPECT_FALSE(idle.closed());
  EXPECT_EQ(counters_.limit(Limit::kConnections).value(), 0u);
}

TEST_F(SessionTableTest, TheClientWithMostConnectionsMakesRoomWithABusyOne) {
  limits_.max_stream_connections = 3;
  FakeClient idle = Connect(Address(1));
  FakeClient first = Connect(Address(2));
  FakeClient second = Connect(Address(2));
  first.Send(Query(1));
  second.Send(Query(2));
  EXPECT_TRUE(Connect(Address(3)).accepted());
  loop_.RunUntilIdle();
  EXPECT_TRUE(first.closed());  // It has sent no query for the longest time.
  EXPECT_FALSE(second.closed());
  EXPECT_FALSE(idle.closed());
  EXPECT_EQ(counters_.limit(Limit::kConnections).value(), 1u);
  // Now each client has one, and the idle one makes room.
  EXPECT_TRUE(Connect(Address(4)).accepted());
  loop_.RunUntilIdle();
  EXPECT_TRUE(idle.closed());
}

TEST_F(SessionTableTest, ClosedConnectionsLeaveTheirPlacesToTheClient) {
  limits_.max_streams_per_client = 1;
  for (int i = 0; i < 3; ++i) {
    FakeClient client = Connect(Address(1));
    EXPECT_TRUE(client.accepted()) << i;
    client.Send(Query(static_cast<uint16_t>(i)));
    client.Break();
  }
  FakeClient last = Connect(Address(1));
  last.Send(Query(9));
  handler_.reset();
  table_.reset();
  EXPECT_TRUE(shares_->Take(ClientKey(*Endpoint::ParseAddress(Address(1), 1))));
}

TEST_F(SessionTableTest, EvictedClientIsNotReadAnyMore) {
  limits_.max_stream_connections = 1;
  FakeClient a = Connect();
  FakeClient b = Connect();
  a.Send(Query(1));  // Arrives in the turn in which the connection is closed.
  EXPECT_THAT(exchanger_.calls(), IsEmpty());
  loop_.RunUntilIdle();
  EXPECT_TRUE(a.closed());
  EXPECT_FALSE(b.closed());
}

TEST_F(SessionTableTest, NoBufferIsReservedForAClientThatIsGone) {
  FakeClient client = Connect();
  ReplyAddress address;
  address.transport = Transport::kTcp;
  address.session_id = 99;
  EXPECT_TRUE(table_->ReserveReply(address).empty());
  table_->CommitReply(address, 0);
  EXPECT_THAT(client.stream().written, IsEmpty());
}

TEST_F(SessionTableTest, ReplyBufferHoldsTheLargestMessage) {
  FakeClient client = Connect();
  ReplyAddress address;
  address.transport = Transport::kTcp;
  address.session_id = 1;
  EXPECT_EQ(table_->ReserveReply(address).size(), kMaxMessageSize);
}

TEST_F(SessionTableTest, DrainEndsIdleClientsAndAnswersPendingQueriesFirst) {
  FakeClient idle = Connect();
  FakeClient busy = Connect();
  busy.Send(Query(1));
  table_->Drain();
  loop_.Advance(Milliseconds(220));
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(busy.closed());
  Answer(0);
  loop_.Advance(Milliseconds(220));
  EXPECT_THAT(busy.ReplyIds(), ElementsAre(1));
  EXPECT_TRUE(busy.closed());
  EXPECT_EQ(table_->size(), 0u);
}

TEST_F(SessionTableTest, CountsConnections) {
  FakeClient a = Connect();
  FakeClient b = Connect();
  EXPECT_EQ(counters_.stream_connections.value(), 2u);
  a.Break();
  EXPECT_EQ(counters_.stream_connections.value(), 1u);
  EXPECT_EQ(counters_.stream_connections_total.value(), 2u);
}

TEST_F(SessionTableTest, DestructorClosesEveryConnection) {
  FakeClient client = Connect();
  client.Send(Query(1));
  handler_.reset();
  table_.reset();
  EXPECT_TRUE(client.closed());
}

}  // namespace
}  // namespace dotcache
