// SPDX-License-Identifier: Apache-2.0
#include "server/sessions_by_client.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::ElementsAre;

const ClientKey kA(*Endpoint::Parse("192.0.2.1:1"));
const ClientKey kB(*Endpoint::Parse("192.0.2.2:1"));
const ClientKey kC(*Endpoint::Parse("192.0.2.3:1"));

TEST(SessionsByClientTest, MostIsTheClientWithMostSessions) {
  SessionsByClient sessions;
  sessions.Add(kA, 1);
  const SessionsByClient::Place second = sessions.Add(kB, 2);
  sessions.Add(kB, 3);
  sessions.Add(kC, 4);
  EXPECT_THAT(sessions.Most(), ElementsAre(2, 3));
  sessions.Remove(second);
  sessions.Add(kC, 5);
  EXPECT_THAT(sessions.Most(), ElementsAre(4, 5));
  EXPECT_THAT(*sessions.Find(kB), ElementsAre(3));
}

TEST(SessionsByClientTest, AmongEqualsTheEarliestIsMost) {
  SessionsByClient sessions;
  sessions.Add(kA, 1);
  sessions.Add(kB, 2);
  EXPECT_THAT(sessions.Most(), ElementsAre(1));
}

TEST(SessionsByClientTest, SessionsOfAClientAreInTheOrderOfTheirActivity) {
  SessionsByClient sessions;
  const SessionsByClient::Place first = sessions.Add(kA, 1);
  sessions.Add(kA, 2);
  sessions.Add(kA, 3);
  SessionsByClient::SetActive(first);
  EXPECT_THAT(*sessions.Find(kA), ElementsAre(2, 3, 1));
}

TEST(SessionsByClientTest, ClientWithoutSessionsIsNotFound) {
  SessionsByClient sessions;
  const SessionsByClient::Place place = sessions.Add(kA, 1);
  EXPECT_TRUE(SessionsByClient::KeyOf(place) == kA);
  sessions.Remove(place);
  EXPECT_EQ(sessions.Find(kA), nullptr);
}

}  // namespace
}  // namespace dotcache
