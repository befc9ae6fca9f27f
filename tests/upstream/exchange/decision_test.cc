// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/decision.h"

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

using Kind = Decision::Kind;
using State = AttemptView::State;

constexpr MonoTime kNow{Seconds(100)};
constexpr MonoTime kDeadline = kNow + Seconds(4);

// An exchange in a zone. The helpers put it into one situation each.
struct Scene {
  explicit Scene(size_t count = 3) : servers(count) {
    progress.began = kNow;
    progress.deadline = kDeadline;
    progress.times_asked.assign(count, 0);
    progress.may_hedge = true;
    progress.has_hedge_budget = true;
    for (size_t i = 0; i < count; ++i) {
      progress.order.push_back(static_cast<uint8_t>(i));
      servers[i].provider = static_cast<uint8_t>(i);
      servers[i].status.takes_from = kNow;
    }
  }

  Scene& Attempt(uint8_t server, State state, Duration due_in = Milliseconds(50)) {
    progress.attempts.push_back({.server = server, .state = state, .due = kNow + due_in});
    ++progress.times_asked[server];
    ++progress.sent;
    return *this;
  }
  // An attempt that has ended without a response.
  Scene& Failed(uint8_t server) {
    ++progress.times_asked[server];
    ++progress.sent;
    progress.only_overloaded = false;
    return *this;
  }
  Scene& Lost(uint8_t server, size_t others = 0) {
    NoteLoss(progress, others);
    return Failed(server);
  }
  Scene& Error(uint8_t server) {
    progress.reported_errors |= uint64_t{1} << server;
    progress.has_error = true;
    return Failed(server);
  }
  Scene& Malformed(uint8_t server) {
    progress.saw_useless = true;
    return Failed(server);
  }
  Scene& Is(uint8_t server, ServerState state, Duration in_vain = Duration::zero()) {
    servers[server].status.state = state;
    servers[server].status.in_vain_since = kNow - in_vain;
    return *this;
  }
  Scene& With(const std::function<void(Scene&)>& change) {
    change(*this);
    return *this;
  }

  ExchangeProgress progress;
  std::vector<ServerView> servers;
};

struct Row {
  std::string situation;
  Scene scene;
  Kind kind;
  int server = -1;  // Of kAsk.
  bool alone = false;
  bool apart = false;
  bool hedge = false;
  bool retry = false;
  Duration until = Duration::zero();  // Of kWait, from now.
  bool needs_server = false;
};

Row AskRow(std::string situation, Scene scene, int server) {
  return {.situation = std::move(situation),
          .scene = std::move(scene),
          .kind = Kind::kAsk,
          .server = server};
}
Row AloneRow(std::string situation, Scene scene, int server) {
  Row row = AskRow(std::move(situation), std::move(scene), server);
  row.alone = true;
  return row;
}
Row ApartRow(std::string situation, Scene scene, int server) {
  Row row = AskRow(std::move(situation), std::move(scene), server);
  row.apart = true;
  row.retry = true;
  return row;
}
Row WaitRow(std::string situation, Scene scene, Duration until, bool needs_server) {
  return {.situation = std::move(situation),
          .scene = std::move(scene),
          .kind = Kind::kWait,
          .until = until,
          .needs_server = needs_server};
}
Row FinishRow(std::string situation, Scene scene) {
  return {.situation = std::move(situation), .scene = std::move(scene), .kind = Kind::kFinish};
}

std::vector<Row> RowsAboutUpServers() {
  return {
      AskRow("the first in order is queried first", Scene(), 0),
      WaitRow("one hopeful attempt is enough", Scene().Attempt(0, State::kSent), Milliseconds(50),
              false),
      WaitRow("an attempt that waits for a connection is hopeful",
              Scene().Attempt(0, State::kQueued), Milliseconds(50), false),
      AskRow("a handshake that takes too long",
             Scene().Attempt(0, State::kQueued, Duration::zero()), 1),
      AskRow("a late attempt", Scene().Attempt(0, State::kLate), 1),
      AskRow("a stalled attempt", Scene().Attempt(0, State::kSent).With([](Scene& s) {
        s.progress.attempts[0].stalled = true;
      }),
             1),
      AskRow("a failed attempt", Scene().Failed(0), 1),
      AskRow("the server that was queried the least comes first", Scene().Failed(0).Failed(2), 1),
      AskRow("a server on trial takes queries", Scene(1).Is(0, ServerState::kOnTrial), 0),
      AskRow("an attempt at a server on trial, another server is up",
             Scene(2).Attempt(0, State::kSent).Is(0, ServerState::kOnTrial), 1),
      WaitRow("it is on trial as well",
              Scene(2)
                  .Attempt(0, State::kSent)
                  .Is(0, ServerState::kOnTrial)
                  .Is(1, ServerState::kOnTrial),
              Milliseconds(50), false),
      WaitRow(
          "it is down, and may come up",
          Scene(2).Attempt(0, State::kSent).Is(0, ServerState::kOnTrial).Is(1, ServerState::kDown),
          Milliseconds(50), true),
      WaitRow(
          "another attempt is at a server that is up",
          Scene(3).Attempt(0, State::kSent).Attempt(1, State::kSent).Is(0, ServerState::kOnTrial),
          Milliseconds(50), false),
      AskRow("a server that took no query is passed over",
             Scene().With([](Scene& s) { s.progress.refused = 1; }), 1),
      AskRow("a server that may not connect yet is passed over",
             Scene().With([](Scene& s) { s.servers[0].status.takes_from += Milliseconds(9); }), 1),
      WaitRow("the only server may not connect yet",
              Scene(1).With([](Scene& s) { s.servers[0].status.takes_from += Milliseconds(9); }),
              Milliseconds(9), true),
      FinishRow("the deadline", Scene().With([](Scene& s) { s.progress.deadline = kNow; })),
      FinishRow("all servers are full", Scene(1).With([](Scene& s) { s.progress.refused = 1; })),
  };
}

std::vector<Row> RowsAboutLimits() {
  return {
      AskRow("an only server is queried twice", Scene(1).Malformed(0), 0),
      FinishRow("and not a third time", Scene(1).Malformed(0).Malformed(0)),
      AskRow("over UDP it is queried three times (RFC 9520 section 3.1)",
             Scene(1).Failed(0).Failed(0).With([](Scene& s) { s.servers[0].datagrams = true; }), 0),
      FinishRow("and not a fourth time", Scene(1).Failed(0).Failed(0).Failed(0).With(
                                             [](Scene& s) { s.servers[0].datagrams = true; })),
      AskRow("N+1 queries for N servers", Scene().Failed(0).Failed(1).Failed(2), 0),
      FinishRow("and no more", Scene().Failed(0).Failed(1).Failed(2).Failed(0)),
      AskRow("more where all are silent",
             Scene(3)
                 .Attempt(0, State::kLate)
                 .Attempt(1, State::kLate)
                 .Attempt(2, State::kLate)
                 .Attempt(0, State::kLate)
                 .With([](Scene& s) {
                   for (AttemptView& a : s.progress.attempts) a.stalled = true;
                 }),
             1),
      WaitRow("the last try is kept for a server that may be repaired",
              Scene().Failed(0).Failed(1).Failed(0).Is(2, ServerState::kDown), kDeadline - kNow,
              true),
  };
}

std::vector<Row> RowsAboutLosses() {
  const auto one_provider_without_retries = [](Scene& s) {
    for (ServerView& server : s.servers) {
      server.may_retry = false;
      server.provider = 0;
    }
  };
  return {
      AskRow("a query that was lost goes to the next server", Scene().Lost(0), 1),
      AloneRow("again at the same server it goes alone", Scene(1).Lost(0), 0),
      AskRow("unless many were lost together", Scene(1).Lost(0, 8), 0),
      AloneRow("but alone after the second loss", Scene(1).Lost(0, 8).Lost(0), 0),
      AloneRow("also at another server", Scene().Lost(0).Lost(1), 2),
      ApartRow("an only server may work on one query of a connection at a time",
               Scene(1).Attempt(0, State::kLate), 0),
      [] {
        Row row =
            ApartRow("the last query to it has a connection of its own",
                     Scene(1).Attempt(0, State::kLate).Attempt(0, State::kLate).With([](Scene& s) {
                       s.servers[0].status.may_drop = true;
                     }),
                     0);
        row.alone = true;
        return row;
      }(),
      WaitRow("there is none if it drops nothing in company",
              Scene(1).Attempt(0, State::kLate).Attempt(0, State::kLate), kDeadline - kNow, false),
      WaitRow(
          "without a retry in the budget it is not queried again",
          Scene(1).Attempt(0, State::kLate).With([](Scene& s) { s.servers[0].may_retry = false; }),
          kDeadline - kNow, false),
      AskRow(
          "the first stalled attempts cost no budget",
          Scene(2).Attempt(0, State::kSent).With(one_provider_without_retries).With([](Scene& s) {
            s.progress.attempts[0].stalled = true;
            s.progress.attempts[0].free = true;
          }),
          1),
      WaitRow(
          "later ones do",
          Scene(2).Attempt(0, State::kSent).With(one_provider_without_retries).With([](Scene& s) {
            s.progress.attempts[0].stalled = true;
          }),
          kDeadline - kNow, false),
      FinishRow("so do attempts that ended overdue",
                Scene(2).Failed(0).With(one_provider_without_retries).With([](Scene& s) {
                  s.progress.given_up = 1;
                })),
      AskRow("a retry at another provider costs no budget",
             Scene().Attempt(0, State::kLate).With([](Scene& s) {
               for (ServerView& server : s.servers) server.may_retry = false;
             }),
             1),
      WaitRow("at the same provider it does",
              Scene(2).Attempt(0, State::kLate).With(one_provider_without_retries),
              kDeadline - kNow, false),
  };
}

std::vector<Row> RowsAboutHedges() {
  const auto hedge_due = [](Scene& s) { s.progress.hedge_at = kNow; };
  Row hedge = AskRow("a slow query is hedged", Scene().Attempt(0, State::kSent).With(hedge_due), 1);
  hedge.hedge = true;
  return {
      hedge,
      WaitRow("before its time it is not", Scene().Attempt(0, State::kSent).With([](Scene& s) {
        s.progress.hedge_at = kNow + Milliseconds(20);
      }),
              Milliseconds(20), false),
      WaitRow("nor without budget",
              Scene().Attempt(0, State::kSent).With(hedge_due).With([](Scene& s) {
                s.progress.has_hedge_budget = false;
              }),
              Milliseconds(50), false),
      WaitRow("nor at a metered server",
              Scene(2).Attempt(0, State::kSent).With(hedge_due).With([](Scene& s) {
                s.servers[1].metered = true;
              }),
              Milliseconds(50), false),
      AskRow("a metered server is queried if it is needed",
             Scene(2).Failed(0).With([](Scene& s) { s.servers[1].metered = true; }), 1),
  };
}

std::vector<Row> RowsAboutErrors() {
  const auto denial = [](Scene& s) { s.progress.has_denial = true; };
  const auto no_retry = [](Scene& s) {
    for (ServerView& server : s.servers) server.may_retry = false;
  };
  return {
      AskRow("an error has a second opinion", Scene().Error(0), 1),
      FinishRow("of an only server it is the result", Scene(1).Error(0)),
      AskRow("a denial is confirmed by a second server", Scene(2).Error(0).With(denial), 1),
      FinishRow("but not by a metered one",
                Scene(2).Error(0).With(denial).With([](Scene& s) { s.servers[1].metered = true; })),
      FinishRow("no server of the provider is queried again",
                Scene(2).Error(0).With([](Scene& s) { s.progress.reported_errors = 3; })),
      WaitRow("a server that is up may know better",
              Scene(2).Error(0).Attempt(1, State::kLate).With(no_retry), kDeadline - kNow, false),
      FinishRow(
          "a server on trial is not waited for",
          Scene(2).Error(0).Attempt(1, State::kLate).Is(1, ServerState::kOnTrial).With(no_retry)),
      WaitRow("a probe under way is waited for, for its patience",
              Scene(2).Error(0).Is(1, ServerState::kDown).With([](Scene& s) {
                s.servers[1].status.probing = true;
                s.servers[1].status.probe_began = kNow - Milliseconds(50);
              }),
              Milliseconds(200), true),
      FinishRow("and not longer", Scene(2).Error(0).Is(1, ServerState::kDown).With([](Scene& s) {
        s.servers[1].status.probing = true;
        s.servers[1].status.probe_began = kNow - Milliseconds(250);
      })),
      FinishRow("a server that may not be probed now is not waited for",
                Scene(2).Malformed(0).Failed(0).Is(1, ServerState::kDown)),
  };
}

std::vector<Row> RowsAboutDownServers() {
  const auto all = [](ServerState state, Duration in_vain) {
    return Scene(2).Is(0, state, in_vain).Is(1, state, in_vain);
  };
  return {
      AskRow("a server that is down gets no query", Scene().Is(0, ServerState::kDown), 1),
      WaitRow("all are down: until they are dead", all(ServerState::kDown, Milliseconds(300)),
              Milliseconds(701), true),
      FinishRow("all are dead", all(ServerState::kDead, Seconds(5))),
      WaitRow("all are dead, but host names must be resolved",
              all(ServerState::kDead, Seconds(5)).With([](Scene& s) {
                s.progress.patient = true;
                for (ServerView& server : s.servers) server.status.probe_failed = MonoTime();
              }),
              kDeadline - kNow, true),
      WaitRow("all are dead: late responses may come for two seconds",
              all(ServerState::kDead, Milliseconds(1200)).Attempt(0, State::kLate),
              Milliseconds(800), true),
      FinishRow("and not longer", all(ServerState::kDead, Seconds(2)).Attempt(0, State::kLate)),
      WaitRow("no try is left, and all may become dead",
              Scene(1).Is(0, ServerState::kOnTrial).Attempt(0, State::kLate).Failed(0),
              kDeadline - kNow, true),
      FinishRow("no server is waited for while it drains",
                all(ServerState::kDown, Duration::zero()).With([](Scene& s) {
                  s.progress.draining = true;
                })),
      FinishRow("a server without an address is not waited for",
                Scene(1).Is(0, ServerState::kNoAddress)),
      FinishRow("nor one without a carrier", Scene(1).Is(0, ServerState::kNoCarrier)),
      FinishRow("nor one that loops", Scene(1).Is(0, ServerState::kLoop)),
      AskRow("a loop probe of another forwarder passes",
             Scene(1).Is(0, ServerState::kLoop).With([](Scene& s) {
               s.progress.is_loop_probe = true;
             }),
             0),
      WaitRow("a dead server is waited for until a probe has failed",
              Scene(2).Failed(0).Failed(0).Is(1, ServerState::kDead, Seconds(9)), kDeadline - kNow,
              true),
      FinishRow(
          "and not longer",
          Scene(2).Failed(0).Failed(0).Is(1, ServerState::kDead, Seconds(9)).With([](Scene& s) {
            s.servers[1].status.probe_failed = kNow + Milliseconds(1);
          })),
      FinishRow(
          "a failed certificate is not probed again soon",
          Scene(2).Failed(0).Failed(0).Is(1, ServerState::kDead, Seconds(9)).With([](Scene& s) {
            s.servers[1].status.rests = true;
          })),
  };
}

void Check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.situation);
    const Decision decision = Next(row.scene.progress, row.scene.servers, kNow);
    EXPECT_EQ(static_cast<int>(decision.kind), static_cast<int>(row.kind));
    if (decision.kind != row.kind) continue;
    if (row.kind == Kind::kAsk) {
      EXPECT_EQ(decision.server, row.server);
    }
    EXPECT_EQ(decision.alone, row.alone);
    EXPECT_EQ(decision.apart, row.apart);
    EXPECT_EQ(decision.hedge, row.hedge);
    EXPECT_EQ(decision.retry, row.retry);
    if (row.kind == Kind::kWait) {
      EXPECT_EQ(decision.until, kNow + row.until);
    }
    EXPECT_EQ(decision.needs_server, row.needs_server);
  }
}

TEST(DecisionTest, ServersThatAreUp) { Check(RowsAboutUpServers()); }
TEST(DecisionTest, LimitsOfQueries) { Check(RowsAboutLimits()); }
TEST(DecisionTest, LostAndLateQueries) { Check(RowsAboutLosses()); }
TEST(DecisionTest, Hedges) { Check(RowsAboutHedges()); }
TEST(DecisionTest, Errors) { Check(RowsAboutErrors()); }
TEST(DecisionTest, ServersThatAreDown) { Check(RowsAboutDownServers()); }

TEST(DecisionTest, AnAttemptIsHopefulInItsUsualTime) {
  AttemptView attempt{.server = 0, .state = State::kSent, .due = kNow};
  EXPECT_TRUE(IsHopeful(attempt, kNow - Milliseconds(1)));
  EXPECT_FALSE(IsHopeful(attempt, kNow));
  attempt.state = State::kLate;
  EXPECT_FALSE(IsHopeful(attempt, kNow - Milliseconds(1)));
  attempt.state = State::kQueued;
  attempt.stalled = true;
  EXPECT_FALSE(IsHopeful(attempt, kNow - Milliseconds(1)));
}

TEST(DecisionTest, NineLostTogetherAreACrowd) {
  ExchangeProgress few;
  NoteLoss(few, 7);
  EXPECT_FALSE(few.lost_in_crowd);
  ExchangeProgress many;
  NoteLoss(many, 8);
  NoteLoss(many, 0);
  EXPECT_TRUE(many.lost_in_crowd);
  EXPECT_EQ(many.losses, 2);
}

TEST(DecisionTest, AZoneIsDownOrDeadWithAllItsServers) {
  std::vector<ServerView> servers(2);
  servers[0].status.state = ServerState::kDead;
  EXPECT_FALSE(AllDown(servers));
  servers[1].status.state = ServerState::kDown;
  EXPECT_TRUE(AllDown(servers));
  EXPECT_FALSE(AllDead(servers));
  servers[1].status.state = ServerState::kNoCarrier;
  EXPECT_TRUE(AllDead(servers));
}

}  // namespace
}  // namespace dotcache
