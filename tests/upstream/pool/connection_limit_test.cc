// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/connection_limit.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

const MonoTime kNow{Seconds(1000)};

TEST(ConnectionLimitTest, EachWorkerHasItsShare) {
  UpstreamServerOptions server;
  EXPECT_EQ(ConnectionLimit::PerWorker(server, 2), SIZE_MAX);
  server.max_connections = 5;
  EXPECT_EQ(ConnectionLimit::PerWorker(server, 1), 5u);
  EXPECT_EQ(ConnectionLimit::PerWorker(server, 2), 2u);
  EXPECT_EQ(ConnectionLimit::PerWorker(server, 8), 1u);
}

TEST(ConnectionLimitTest, ARefusedConnectionWhileAnotherAnswersSetsTheLimitForAMinute) {
  ConnectionLimit limit(4);
  EXPECT_EQ(limit.Allowed(kNow), 4u);
  limit.NoteRefused(2);
  EXPECT_EQ(limit.Allowed(kNow), 4u) << "the others may be lost, too";
  limit.NoteMessage(kNow);
  EXPECT_EQ(limit.Allowed(kNow), 2u);
  limit.NoteMessage(kNow + Seconds(30));  // It teaches nothing new.
  EXPECT_EQ(limit.Allowed(kNow + ConnectionLimit::kKept), 4u);
  limit.NoteRefused(0);
  limit.NoteMessage(kNow);
  EXPECT_EQ(limit.Allowed(kNow), 1u) << "one connection is always tried";
  limit.NoteRefused(9);
  limit.NoteMessage(kNow);
  EXPECT_EQ(limit.Allowed(kNow), 4u) << "never more than configured";
}

TEST(ConnectionLimitTest, ARefusalWithAnotherReasonTeachesNothing) {
  ConnectionLimit limit(4);
  limit.NoteRefused(2);
  limit.Doubt();
  limit.NoteMessage(kNow);
  EXPECT_EQ(limit.Allowed(kNow), 4u);
}

TEST(ConnectionLimitTest, WithoutAConnectionTheLimitIsForgotten) {
  ConnectionLimit limit(4);
  limit.NoteRefused(1);
  limit.NoteMessage(kNow);
  EXPECT_EQ(limit.Allowed(kNow), 1u);
  limit.Forget();
  EXPECT_EQ(limit.Allowed(kNow), 4u);
}

}  // namespace
}  // namespace dotcache
