// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "net/tls/tls_session.h"

namespace dotcache {
namespace {

TEST(TlsTicketStoreTest, ReturnsTheNewestFirstAndKeepsFour) {
  TlsTicketStore tickets;
  for (const char* text : {"1", "2", "3", "4", "5"})
    tickets.Put({text, tickets.Now() + Seconds(60)});
  for (const char* text : {"5", "4", "3", "2", ""}) EXPECT_EQ(tickets.Take().session_data, text);
}

TEST(TlsTicketStoreTest, DropsTicketsThatAreNoLongerUsable) {
  static const MonoTime now(std::chrono::hours(1000));
  TlsTicketStore tickets([] { return now; });
  tickets.Put({"fresh", now + Seconds(1)});
  tickets.Put({"old", now});
  EXPECT_EQ(tickets.Take().session_data, "fresh");
  EXPECT_EQ(tickets.Take().session_data, "");
}

TEST(TlsTicketStoreTest, TicketsAgeDuringASuspend) {
  const MonoTime before = BootTime();
  const MonoTime now = TlsTicketStore().Now();
  EXPECT_GE(now, before);
  EXPECT_LE(now, BootTime());
}

}  // namespace
}  // namespace dotcache
