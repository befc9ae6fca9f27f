// SPDX-License-Identifier: Apache-2.0
#include "server/tcp_session.h"

#include "gmock/gmock.h"
#include "tests/server/session_test_support.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class TcpSessionTest : public SessionTest {
 protected:
  // All written octets are sent, and the connection ends.
  void ExpectClosing(FakeClient& client) {
    EXPECT_TRUE(client.stream().shut_down);
    loop_.Advance(Milliseconds(100));
    EXPECT_TRUE(client.closed());
  }
  void ExpectClosedAfterTheIdleTimeout(FakeClient& client) {
    loop_.Advance(limits_.stream_idle_timeout - Milliseconds(1));
    EXPECT_FALSE(client.closed());
    loop_.Advance(Milliseconds(1));
    EXPECT_TRUE(client.closed());
  }
};

TEST_F(TcpSessionTest, QueryThatArrivesOctetByOctetIsAnswered) {
  FakeClient client = Connect();
  const WireMessage framed = Framed({Query(1)});
  for (const uint8_t octet : framed) {
    EXPECT_THAT(exchanger_.calls(), IsEmpty());
    client.SendOctets(Bytes(&octet, 1));
  }
  Answer(0);
  EXPECT_THAT(client.ReplyIds(), ElementsAre(1));
  EXPECT_FALSE(client.closed());
}

TEST_F(TcpSessionTest, PipelinedQueriesAreAnsweredInTheOrderOfTheResponses) {
  FakeClient client = Connect();
  const WireMessage framed = FramedQueries(3);
  client.SendOctets(framed);
  ASSERT_THAT(exchanger_.calls(), SizeIs(3));
  Answer(2);
  Answer(0);
  Answer(1);
  EXPECT_THAT(client.ReplyIds(), ElementsAre(3, 1, 2));
}

TEST_F(TcpSessionTest, HitIsAnsweredWhileAMissWaits) {
  FakeClient client = Connect();
  client.Send(Query(1));
  Answer(0);
  client.Send(Query(2));
  client.Send(Query(1));
  EXPECT_THAT(client.ReplyIds(), ElementsAre(1, 1));
}

TEST_F(TcpSessionTest, AtTheLimitReadingPausesAndReadQueriesWait) {
  limits_.tuning.max_queries_per_connection = 2;
  FakeClient client = Connect();
  const WireMessage framed = FramedQueries(4);
  client.SendOctets(framed);
  EXPECT_THAT(exchanger_.calls(), SizeIs(2));
  EXPECT_TRUE(client.stream().read_paused);
  Answer(0);
  EXPECT_THAT(exchanger_.calls(), SizeIs(3));
  EXPECT_TRUE(client.stream().read_paused);
  Answer(1);
  EXPECT_THAT(exchanger_.calls(), SizeIs(4));
  Answer(2);
  EXPECT_FALSE(client.stream().read_paused);
  Answer(3);
  EXPECT_THAT(client.ReplyIds(), ElementsAre(1, 2, 3, 4));
}

TEST_F(TcpSessionTest, PausedReadingLosesNoPartOfAMessage) {
  limits_.tuning.max_queries_per_connection = 1;
  FakeClient client = Connect();
  const WireMessage framed = FramedQueries(2);
  const size_t cut = framed.size() - 5;
  client.SendOctets(Bytes(framed).subspan(0, cut));
  EXPECT_TRUE(client.stream().read_paused);
  Answer(0);
  EXPECT_FALSE(client.stream().read_paused);
  client.SendOctets(Bytes(framed).subspan(cut));
  Answer(1);
  EXPECT_THAT(client.ReplyIds(), ElementsAre(1, 2));
}

TEST_F(TcpSessionTest, ReadingPausesForAClientThatDoesNotRead) {
  FakeClient client = Connect();
  client.Send(Query(1));
  client.stream().pending_write_bytes = WriteMarks().high + 1;
  client.Send(Query(2));
  client.Send(Query(3));
  EXPECT_TRUE(client.stream().read_paused);
  EXPECT_THAT(exchanger_.calls(), SizeIs(1));
  client.stream().pending_write_bytes = 0;
  client.TellWritable();
  loop_.RunUntilIdle();
  EXPECT_FALSE(client.stream().read_paused);
  EXPECT_THAT(exchanger_.calls(), SizeIs(3));
}

TEST_F(TcpSessionTest, AfterTheClientsFinASlowReplyIsStillSent) {
  FakeClient client = Connect();
  client.Send(Query(1));
  client.Send(Query(2));
  client.SendEof();
  loop_.Advance(Milliseconds(1800));
  EXPECT_FALSE(client.stream().shut_down);
  Answer(0);
  EXPECT_FALSE(client.stream().shut_down);
  Answer(1);
  EXPECT_THAT(client.ReplyIds(), ElementsAre(1, 2));
  ExpectClosing(client);
}

TEST_F(TcpSessionTest, AfterTheClientsFinReadQueriesAreStillAnswered) {
  limits_.tuning.max_queries_per_connection = 1;
  FakeClient client = Connect();
  const WireMessage framed = FramedQueries(2);
  client.SendOctets(framed);
  client.SendEof();
  Answer(0);
  Answer(1);
  EXPECT_THAT(client.ReplyIds(), ElementsAre(1, 2));
  EXPECT_TRUE(client.stream().shut_down);
}

TEST_F(TcpSessionTest, AfterTheClientsFinQueriesHeldByBackpressureAreAnswered) {
  FakeClient client = Connect();
  client.stream().pending_write_bytes = WriteMarks().high + 1;
  client.Send(Query(1));
  client.SendEof();
  EXPECT_FALSE(client.stream().shut_down);
  client.stream().pending_write_bytes = 0;
  client.TellWritable();
  loop_.RunUntilIdle();
  Answer(0);
  EXPECT_TRUE(client.stream().shut_down);
  EXPECT_THAT(client.ReplyIds(), ElementsAre(1));
}

TEST_F(TcpSessionTest, FinOfAnIdleClientClosesTheConnection) {
  FakeClient client = Connect();
  client.SendEof();
  ExpectClosing(client);
  EXPECT_EQ(table_->size(), 0u);
}

TEST_F(TcpSessionTest, ConnectionStaysOpenUntilTheLastReplyIsSent) {
  FakeClient client = Connect();
  client.stream().pending_write_bytes = 100;
  client.SendEof();
  loop_.Advance(Seconds(3));
  EXPECT_FALSE(client.closed());
  client.stream().pending_write_bytes = 0;
  loop_.Advance(Seconds(1));
  EXPECT_TRUE(client.closed());
}

TEST_F(TcpSessionTest, ClientThatNeverReadsItsLastReplyIsClosedAfterTheIdleTimeout) {
  FakeClient client = Connect();
  client.stream().pending_write_bytes = 100;
  client.SendEof();
  loop_.Advance(limits_.stream_idle_timeout + Seconds(1));
  EXPECT_TRUE(client.closed());
}

TEST_F(TcpSessionTest, ConnectionWithoutQueriesIsClosedAfterTheIdleTimeout) {
  FakeClient client = Connect();
  ExpectClosedAfterTheIdleTimeout(client);
}

TEST_F(TcpSessionTest, HandshakeHasATimeAsAWhole) {
  FakeClient slow = Connect(Transport::kDot);
  FakeClient silent = Connect(Transport::kDot);
  FakeClient open = Connect(Transport::kDot);
  open.Handshake(300, /*answered=*/true);
  open.FinishHandshake();
  for (size_t i = 1; i < 5; ++i) {
    slow.Handshake(i, /*answered=*/false);
    loop_.Advance(limits_.tuning.handshake_timeout / 5);
  }
  EXPECT_FALSE(slow.closed());
  loop_.Advance(limits_.tuning.handshake_timeout / 5);
  EXPECT_TRUE(slow.closed());
  EXPECT_TRUE(silent.closed());
  EXPECT_FALSE(open.closed());
  loop_.Advance(limits_.stream_idle_timeout - limits_.tuning.handshake_timeout - Milliseconds(1));
  EXPECT_FALSE(open.closed());
  loop_.Advance(Milliseconds(1));
  EXPECT_TRUE(open.closed());
}

TEST_F(TcpSessionTest, DrainDuringAHandshakeGivesTimeForTheFirstQueryAndEndsTheSession) {
  FakeClient client = Connect(Transport::kDot);
  client.Handshake(300, /*answered=*/true);
  client.Drain();
  client.FinishHandshake();
  loop_.Advance(Milliseconds(90));
  EXPECT_FALSE(client.stream().shut_down);
  loop_.Advance(Milliseconds(10));
  EXPECT_TRUE(client.stream().shut_down);
  loop_.Advance(Milliseconds(120));
  EXPECT_TRUE(client.closed());
}

TEST_F(TcpSessionTest, QueryRestartsTheIdleTimeout) {
  FakeClient client = Connect();
  loop_.Advance(limits_.stream_idle_timeout - Milliseconds(1));
  client.Send(Query(1));
  Answer(0);
  ExpectClosedAfterTheIdleTimeout(client);
}

TEST_F(TcpSessionTest, IncompleteQueriesDoNotRestartTheIdleTimeout) {
  FakeClient client = Connect();
  const uint8_t octet = 1;
  for (int i = 0; i < 9; ++i) {
    client.SendOctets(Bytes(&octet, 1));
    loop_.Advance(limits_.stream_idle_timeout / 9);
  }
  loop_.Advance(Milliseconds(10));
  EXPECT_TRUE(client.closed());
}

TEST_F(TcpSessionTest, ConnectionWithAnUnansweredQueryIsNotIdle) {
  limits_.query_timeout = limits_.stream_idle_timeout + Seconds(2);
  FakeClient client = Connect();
  client.Send(Query(1));
  loop_.Advance(limits_.stream_idle_timeout + Seconds(1));
  EXPECT_FALSE(client.closed());
  Answer(0);
  EXPECT_THAT(client.ReplyIds(), ElementsAre(1));
}

TEST_F(TcpSessionTest, MessageShorterThanAHeaderClosesTheConnection) {
  for (const size_t size : {0, 1, 11}) {
    FakeClient client = Connect();
    client.Send(WireMessage(size, 0));
    loop_.RunUntilIdle();
    EXPECT_TRUE(client.closed()) << size;
    EXPECT_THAT(client.stream().written, IsEmpty());
  }
}

TEST_F(TcpSessionTest, MessageWithoutReplyClosesTheConnectionAndTheRestIsIgnored) {
  FakeClient client = Connect();
  client.SendOctets(Framed({MakeResponse("www.example.com", QType::kA, {}), Query(1)}));
  loop_.RunUntilIdle();
  EXPECT_TRUE(client.closed());
  EXPECT_THAT(exchanger_.calls(), IsEmpty());
}

TEST_F(TcpSessionTest, MalformedQueryGetsAnErrorAndTheConnectionStaysOpen) {
  FakeClient client = Connect();
  client.Send(MessageBuilder().Id(7).Flags(0x3000).Question("example.com", QType::kA).Build());
  client.Send(Query(8));
  Answer(0);
  EXPECT_THAT(client.ReplyIds(), ElementsAre(7, 8));
  EXPECT_EQ(client.Replies()[0].rcode, Rcode::kNotImp);
}

TEST_F(TcpSessionTest, ReplyForABrokenConnectionIsDropped) {
  FakeClient client = Connect();
  client.Send(Query(1));
  client.Break();
  loop_.RunUntilIdle();
  EXPECT_TRUE(client.closed());
  Answer(0);
  EXPECT_THAT(client.stream().written, IsEmpty());
  EXPECT_EQ(cache_.Stats().entries, 1u);
}

TEST_F(TcpSessionTest, DrainAnswersQueriesThatArriveBeforeTheEnd) {
  FakeClient client = Connect();
  client.Send(Query(1));
  client.Drain();
  client.Send(Query(2));
  Answer(0);
  Answer(1);
  EXPECT_FALSE(client.stream().shut_down);
  loop_.Advance(Milliseconds(10));
  EXPECT_THAT(client.ReplyIds(), ElementsAre(1, 2));
  EXPECT_TRUE(client.stream().shut_down);
}

TEST_F(TcpSessionTest, DrainStopsReadingABusyConnectionAndAnswersItsQueries) {
  FakeClient client = Connect();
  client.Send(Query(1));
  client.Drain();
  loop_.Advance(Milliseconds(100));
  client.Send(Query(2));
  EXPECT_THAT(exchanger_.calls(), SizeIs(1));
  EXPECT_FALSE(client.stream().shut_down);
  Answer(0);
  EXPECT_THAT(client.ReplyIds(), ElementsAre(1));
  EXPECT_TRUE(client.stream().shut_down);
}

TEST_F(TcpSessionTest, DrainGivesANewConnectionTimeForItsFirstQuery) {
  FakeClient client = Connect();
  client.Drain();
  loop_.Advance(Milliseconds(50));
  EXPECT_FALSE(client.stream().shut_down);
  client.Send(Query(1));
  Answer(0);
  loop_.Advance(Milliseconds(10));
  EXPECT_TRUE(client.stream().shut_down);
  EXPECT_THAT(client.ReplyIds(), ElementsAre(1));
}

TEST_F(TcpSessionTest, DrainClosesAConnectionWithoutAQuery) {
  FakeClient client = Connect();
  client.Drain();
  loop_.Advance(Milliseconds(100));
  EXPECT_TRUE(client.stream().shut_down);
}

// A close before the client has read everything would be a reset.
TEST_F(TcpSessionTest, DrainedConnectionClosesAfterTheClientsFinOrAMoment) {
  FakeClient leaves = Connect();
  FakeClient stays = Connect();
  leaves.Drain();
  stays.Drain();
  loop_.Advance(Milliseconds(100));
  leaves.SendEof();
  loop_.Advance(Milliseconds(40));
  EXPECT_TRUE(leaves.closed());
  EXPECT_FALSE(stays.closed());
  loop_.Advance(Milliseconds(80));
  EXPECT_TRUE(stays.closed());
}

}  // namespace
}  // namespace dotcache
