// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/upstream_manager.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"
#include "tests/support/scripted_manager.h"

namespace dotcache {
namespace {

ScriptedReply Answer(const UpstreamQuery& query, Duration delay = Milliseconds(10)) {
  return ScriptedReply::Message(ScriptedAnswer(query), delay);
}

// What came of an exchange.
struct Outcome {
  int calls = 0;
  std::optional<ExchangeFailure> code;  // nullopt: the exchange has not ended.
  Rcode rcode = Rcode::kNoError;
  Duration elapsed{0};
  ExchangeId id = 0;
};

class UpstreamManagerTest : public testing::Test, protected ScriptedManager {
 protected:
  UpstreamManagerTest() {
    options_.zones[0].policy = SelectionPolicy::kSequential;
    options_.mode.prewarm = false;
  }

  // Makes the manager with so many servers in the root zone.
  void Make(int servers, Transport transport = Transport::kDot) {
    for (int i = 0; i < servers; ++i) AddServer("example").transport = transport;
    MakeManager();
  }

  std::shared_ptr<Outcome> Ask(const std::string& name = "www.example.com",
                               Duration deadline = Seconds(4)) {
    auto outcome = std::make_shared<Outcome>();
    UpstreamQuery query;
    query.question = {*DomainName::FromText(name), QType::kA, QClass::kIn};
    const MonoTime began = loop_.Now();
    const auto record = [this, outcome, began](ExchangeOr<UpstreamResponse> response) {
      ++outcome->calls;
      outcome->code = response.failure();
      if (response.ok()) outcome->rcode = response->facts.rcode;
      outcome->elapsed = loop_.Now() - began;
    };
    ExchangeOr<ExchangeId> id = manager_->Exchange(query, loop_.Now() + deadline, record);
    EXPECT_EQ(outcome->calls, 0);  // Never inside the call.
    if (id.ok()) {
      outcome->id = *id;
    } else {
      outcome->code = id.failure();
    }
    return outcome;
  }

  void Script(int server, std::function<ScriptedReply(const UpstreamQuery&)> reply) {
    connector_->server(server).reply = std::move(reply);
  }
  void ScriptFailure(int server, UpstreamFailure failure) {
    Script(server, [failure](const UpstreamQuery&) { return ScriptedReply::Failure(failure); });
  }
  void ScriptError(int server, Rcode rcode) {
    Script(server, [rcode](const UpstreamQuery& query) {
      return ScriptedReply::Message(ScriptedError(query, rcode), Milliseconds(5));
    });
  }
  void Silence(int server) {
    Script(server, [](const UpstreamQuery&) { return ScriptedReply::Silence(); });
  }

  // How often three servers are asked for a name that they answer the `answered`th time, while they
  // answer all others at once.
  int TriesOfALossyName(int answered) {
    int tries = 0;
    for (int i = 0; i < 3; ++i) {
      Script(i, [&tries, answered](const UpstreamQuery& query) {
        if (!(query.question.qname == *DomainName::FromText("lost.example"))) return Answer(query);
        return ++tries < answered ? ScriptedReply::Silence() : Answer(query);
      });
    }
    const auto outcome = Ask("lost.example");
    for (int i = 0; i < 1000 && outcome->calls == 0; ++i) {
      Ask("other" + std::to_string(i) + ".example");
      loop_.Advance(Milliseconds(5));
    }
    EXPECT_EQ(outcome->code == ExchangeFailure::kNone, tries == answered);
    for (int i = 0; i < 3; ++i) Silence(i);
    return tries;
  }

  void Refuse(int server) {
    connector_->server(server).connect_failure = UpstreamFailure::kConnectRefused;
  }
  int queries(int server) { return connector_->server(server).queries; }
  int connects(int server) { return connector_->server(server).connects; }
};

TEST_F(UpstreamManagerTest, AnExchangeIsAnsweredOnce) {
  Make(3);
  const auto outcome = Ask();
  EXPECT_EQ(manager_->exchange_count(), 1u);
  loop_.Advance(Seconds(10));
  EXPECT_EQ(outcome->calls, 1);
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(outcome->elapsed, Milliseconds(12));
  EXPECT_EQ(queries(0) + queries(1) + queries(2), 1);
  EXPECT_EQ(manager_->exchange_count(), 0u);
}

TEST_F(UpstreamManagerTest, AQueryThatWaitedLongForItsConnectionIsStillTimedOnceSent) {
  Make(1);
  connector_->server(0).handshake = Milliseconds(600);
  Silence(0);
  const auto outcome = Ask();
  loop_.Advance(Milliseconds(900));
  EXPECT_EQ(connects(0), 1);
  loop_.Advance(Milliseconds(1000));
  EXPECT_EQ(connects(0), 2);  // The silence was noticed, and a fresh connection is tried.
  EXPECT_EQ(outcome->calls, 0);
}

TEST_F(UpstreamManagerTest, StartConnectsToTheServersOfTheRootZone) {
  options_.mode.prewarm = true;
  Make(3);
  EXPECT_FALSE(manager_->ready());
  manager_->Start();
  loop_.Advance(Milliseconds(2));
  EXPECT_TRUE(manager_->ready());
  EXPECT_EQ(connects(0) + connects(1) + connects(2), 3);
}

TEST_F(UpstreamManagerTest, OneServerUpIsReadyEnough) {
  options_.mode.prewarm = true;
  Make(3);
  Refuse(0);
  Refuse(2);
  manager_->Start();
  loop_.Advance(Milliseconds(2));
  EXPECT_TRUE(manager_->ready());
}

TEST_F(UpstreamManagerTest, ARefusedConnectionMovesOnAtOnce) {
  Make(3);
  Refuse(0);
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(outcome->elapsed, Milliseconds(14));
}

TEST_F(UpstreamManagerTest, AServerThatIsDownCostsNothing) {
  Make(3);
  Refuse(0);
  Ask();
  loop_.Advance(Milliseconds(50));
  for (int i = 0; i < 100; ++i) {
    const auto outcome = Ask();
    loop_.Advance(Milliseconds(20));
    EXPECT_EQ(outcome->elapsed, Milliseconds(10));
  }
  EXPECT_LE(connects(0), 3);  // 2 s: the query's, then probes after 0.5 and 1 s.
}

TEST_F(UpstreamManagerTest, ALostConnectionIsResentElsewhere) {
  Make(2);
  Script(0, [](const UpstreamQuery&) { return ScriptedReply::Disconnect(Milliseconds(1)); });
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(queries(0), 1);
  EXPECT_EQ(queries(1), 1);
}

TEST_F(UpstreamManagerTest, ALostConnectionOfTheOnlyServerIsResentOnAFreshOne) {
  Make(1);
  int calls = 0;
  Script(0, [&calls](const UpstreamQuery& query) {
    return ++calls == 1 ? ScriptedReply::Disconnect() : Answer(query);
  });
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(connects(0), 2);
}

TEST_F(UpstreamManagerTest, AServerThatClosesOnEveryQueryIsQueriedTwiceAtMost) {
  Make(1);
  Script(0, [](const UpstreamQuery&) { return ScriptedReply::Disconnect(); });
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->code, ExchangeFailure::kUnreachable);
  EXPECT_EQ(queries(0), 2);
}

TEST_F(UpstreamManagerTest, ANameThatEndsConnectionsFailsAlone) {
  for (const int others : {1, 7, 50}) {
    options_.zones[0].servers.clear();
    Make(1);
    int bad_queries = 0;
    Script(0, [&bad_queries](const UpstreamQuery& query) {
      if (query.question.qname == *DomainName::FromText("bad.example.com")) {
        ++bad_queries;
        return ScriptedReply::Disconnect(Milliseconds(1));
      }
      return Answer(query);
    });
    std::vector<std::shared_ptr<Outcome>> outcomes;
    for (int i = 0; i < others; ++i)
      outcomes.push_back(Ask("n" + std::to_string(i) + ".example.com"));
    const auto bad = Ask("bad.example.com");
    loop_.Advance(Seconds(2));
    for (const auto& outcome : outcomes) EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
    EXPECT_EQ(bad->code, ExchangeFailure::kUnreachable);
    EXPECT_EQ(bad_queries, others < 8 ? 2 : 3);
    EXPECT_EQ(counters_[0].up.value(), 1u);
    manager_.reset();
  }
}

TEST_F(UpstreamManagerTest, ManyThatLoseTheirConnectionGoTogetherAtOnce) {
  Make(1);
  Silence(0);
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 100; ++i) outcomes.push_back(Ask("n" + std::to_string(i) + ".example.com"));
  loop_.Advance(Milliseconds(20));
  Script(0, [](const UpstreamQuery& query) { return Answer(query); });
  connector_->Disconnect(0);
  loop_.Advance(Milliseconds(50));
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
    EXPECT_EQ(outcome->elapsed, Milliseconds(32));  // 20 and a handshake and a response.
  }
  EXPECT_EQ(connects(0), 2);
}

TEST_F(UpstreamManagerTest, ANameThatEndsConnectionsEverywhereFailsAlone) {
  Make(2);
  for (const int server : {0, 1}) {
    Script(server, [](const UpstreamQuery& query) {
      return query.question.qname == *DomainName::FromText("bad.example.com")
                 ? ScriptedReply::Disconnect(Milliseconds(1))
                 : Answer(query);
    });
  }
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 20; ++i) outcomes.push_back(Ask("n" + std::to_string(i) + ".example.com"));
  const auto bad = Ask("bad.example.com");
  loop_.Advance(Seconds(2));
  for (const auto& outcome : outcomes) EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(bad->code, ExchangeFailure::kUnreachable);
}

TEST_F(UpstreamManagerTest, AfterAMessageThatIsNotTheResponseTheNextServerIsQueriedSoon) {
  Make(2);
  Silence(0);
  const auto outcome = Ask();
  loop_.Advance(Milliseconds(5));
  connector_->SendMismatch(0);
  loop_.Advance(Milliseconds(9));
  EXPECT_EQ(connects(1), 0);  // The right one may follow at once.
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(outcome->elapsed, Milliseconds(27));
  EXPECT_EQ(queries(0), 1);
}

TEST_F(UpstreamManagerTest, UselessResponsesMoveOnAtOnce) {
  for (const UpstreamFailure failure :
       {UpstreamFailure::kMalformed, UpstreamFailure::kNotAnAnswer, UpstreamFailure::kTruncated}) {
    options_.zones[0].servers.clear();
    Make(2);
    ScriptFailure(0, failure);
    const auto outcome = Ask();
    loop_.Advance(Seconds(1));
    EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
    EXPECT_EQ(outcome->elapsed, Milliseconds(14));
    manager_.reset();
  }
}

TEST_F(UpstreamManagerTest, MalformedResponsesEverywhereAreDataLossWithinAFewTries) {
  Make(2);
  ScriptFailure(0, UpstreamFailure::kMalformed);
  ScriptFailure(1, UpstreamFailure::kMalformed);
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->code, ExchangeFailure::kMalformed);
  EXPECT_LE(outcome->elapsed, Milliseconds(10));
  EXPECT_EQ(queries(0), 2);  // N + 1 tries.
  EXPECT_EQ(queries(1), 1);
}

TEST_F(UpstreamManagerTest, AMalformedResponseWhileTheOthersAreDownIsRetriedOnce) {
  Make(3);
  ScriptFailure(0, UpstreamFailure::kMalformed);
  Refuse(1);
  Refuse(2);
  Ask();
  loop_.Advance(Milliseconds(20));
  const int before = queries(0);
  const auto outcome = Ask();  // The others are known to be down now.
  loop_.Advance(Milliseconds(20));
  EXPECT_EQ(outcome->code, ExchangeFailure::kMalformed);
  EXPECT_EQ(queries(0) - before, 2);
}

TEST_F(UpstreamManagerTest, ABurstOfMalformedResponsesHarmsNoOtherQuery) {
  Make(1);
  Script(0, [](const UpstreamQuery& query) {
    return query.question.qname == *DomainName::FromText("bad.example.com")
               ? ScriptedReply::Failure(UpstreamFailure::kMalformed)
               : Answer(query);
  });
  for (int i = 0; i < 100; ++i) Ask("bad.example.com");
  loop_.Advance(Milliseconds(50));
  const auto outcome = Ask();
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(connects(0), 1);
}

TEST_F(UpstreamManagerTest, AfterAnErrorOneOtherServerIsQueried) {
  for (const Rcode rcode : {Rcode::kServFail, Rcode::kRefused, Rcode::kNotImp, Rcode::kFormErr}) {
    options_.zones[0].servers.clear();
    Make(3);
    ScriptError(0, rcode);
    const auto outcome = Ask();
    loop_.Advance(Seconds(1));
    EXPECT_EQ(outcome->rcode, Rcode::kNoError);
    EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
    // FORMERR with OPT is retried without options first.
    const int retry = rcode == Rcode::kFormErr ? 5 : 0;
    EXPECT_EQ(outcome->elapsed, Milliseconds(2 + 5 + retry + 2 + 10));
    manager_.reset();
  }
}

TEST_F(UpstreamManagerTest, AnErrorOfTwoServersIsBelieved) {
  Make(3);
  ScriptError(0, Rcode::kServFail);
  ScriptError(1, Rcode::kServFail);
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(outcome->rcode, Rcode::kServFail);
  EXPECT_EQ(queries(2), 0);
}

TEST_F(UpstreamManagerTest, AnErrorOfTheOnlyServerIsBelieved) {
  Make(1);
  ScriptError(0, Rcode::kServFail);
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->rcode, Rcode::kServFail);
  EXPECT_EQ(queries(0), 1);
}

TEST_F(UpstreamManagerTest, AnErrorIsTheResultWhenNoOtherServerCanBeReached) {
  Make(3);
  ScriptError(0, Rcode::kServFail);
  Refuse(1);
  Silence(2);
  const auto outcome = Ask("www.example.com", Seconds(2));
  loop_.Advance(Seconds(3));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(outcome->rcode, Rcode::kServFail);
  EXPECT_LE(outcome->elapsed, Milliseconds(300));
}

// RFC 6891 section 7: the query is sent again without OPT, to the same server and at once.
TEST_F(UpstreamManagerTest, AServerWithoutEdnsIsQueriedWithoutIt) {
  Make(1);
  std::vector<EdnsUse> uses;
  Script(0, [&uses](const UpstreamQuery& query) {
    uses.push_back(query.edns);
    UpstreamQuery plain = query;
    plain.edns = EdnsUse::kNone;
    const bool full = query.edns != EdnsUse::kNone;
    return ScriptedReply::Message(
        full ? ScriptedError(plain, Rcode::kFormErr) : ScriptedAnswer(plain), Milliseconds(5));
  });
  const auto ask_all = [this](int first) {
    std::vector<std::shared_ptr<Outcome>> outcomes;
    for (int i = first; i < first + 3; ++i)
      outcomes.push_back(Ask(absl::StrCat("n", i, ".example")));
    loop_.Advance(Seconds(1));
    for (const auto& outcome : outcomes) EXPECT_EQ(outcome->rcode, Rcode::kNoError);
  };
  ask_all(0);
  EXPECT_EQ(uses.size(), 6u);  // All were sent before the first response.
  ask_all(3);
  EXPECT_EQ(uses.size(), 9u);
  EXPECT_EQ(uses.back(), EdnsUse::kNone);
  loop_.Advance(EdnsSupport::kMemory);  // It may understand EDNS by now.
  uses.clear();
  ask_all(6);
  EXPECT_EQ(uses.front(), EdnsUse::kFull);
  EXPECT_EQ(uses.size(), 6u);
}

// The query was on a connection that was lost, so it goes alone. It stays alone with less EDNS.
TEST_F(UpstreamManagerTest, AQueryThatGoesAloneGoesAloneWithLessEdns) {
  Make(1);
  int tries = 0;
  Script(0, [&tries](const UpstreamQuery& query) {
    ++tries;
    if (tries == 1) return ScriptedReply::Disconnect(Milliseconds(5));
    UpstreamQuery plain = query;
    plain.edns = EdnsUse::kNone;
    return ScriptedReply::Message(
        tries == 2 ? ScriptedError(plain, Rcode::kFormErr) : ScriptedAnswer(plain),
        Milliseconds(5));
  });
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->rcode, Rcode::kNoError);
  EXPECT_EQ(tries, 3);
  EXPECT_EQ(connector_->server(0).connects, 3);  // One for each.
}

TEST_F(UpstreamManagerTest, AfterFormErrWithOptTheQueryIsSentOnceMoreWithoutOptions) {
  Make(1);
  std::vector<EdnsUse> uses;
  bool accepts = false;
  Script(0, [&](const UpstreamQuery& query) {
    uses.push_back(query.edns);
    const bool good = accepts && query.edns == EdnsUse::kWithoutOptions;
    return ScriptedReply::Message(
        good ? ScriptedAnswer(query) : ScriptedError(query, Rcode::kFormErr), Milliseconds(5));
  });
  auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->rcode, Rcode::kFormErr);
  EXPECT_EQ(uses, (std::vector<EdnsUse>{EdnsUse::kFull, EdnsUse::kWithoutOptions}));
  accepts = true;
  outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->rcode, Rcode::kNoError);
  outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->rcode, Rcode::kNoError);
  EXPECT_EQ(uses.size(), 5u);
}

TEST_F(UpstreamManagerTest, NxDomainIsAnAnswer) {
  Make(2);
  Script(0, [](const UpstreamQuery&) {
    return ScriptedReply::Message(
        MakeNegativeResponse("www.example.com", QType::kA, Rcode::kNxDomain,
                             SoaRecord("example.com", 900, 60)),
        Milliseconds(5));
  });
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->rcode, Rcode::kNxDomain);
  EXPECT_EQ(queries(1), 0);
}

// RFC 2308 section 2: a denial has an SOA.
TEST_F(UpstreamManagerTest, ADenialWithoutSoaIsBelievedIfTheSecondServerIsSilent) {
  Make(2);
  ScriptError(0, Rcode::kNxDomain);
  auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->rcode, Rcode::kNoError);
  EXPECT_EQ(queries(1), 1);
  Silence(1);
  outcome = Ask();
  loop_.Advance(Milliseconds(1800));
  EXPECT_EQ(outcome->rcode, Rcode::kNxDomain);
}

TEST_F(UpstreamManagerTest, ASlowQueryIsHedgedAtTwiceWhatTheBestServerNeeds) {
  Make(2);
  Ask();
  loop_.Advance(Milliseconds(100));
  Silence(0);
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(outcome->elapsed, Milliseconds(20 + 2 + 10));
  EXPECT_EQ(counters_[1].hedges.value(), 1u);
}

TEST_F(UpstreamManagerTest, TheHedgeFollowsTheSlowestTwentiethOfTheFastestServer) {
  options_.zones[0].policy = SelectionPolicy::kRoundRobin;
  Make(2);
  Script(0, [](const UpstreamQuery& query) { return Answer(query, Milliseconds(30)); });
  Script(1, [](const UpstreamQuery& query) { return Answer(query, Milliseconds(100)); });
  Ask("first.example");
  Ask("second.example");
  loop_.Advance(Seconds(1));
  Silence(0);
  Silence(1);
  Ask();
  loop_.Advance(Milliseconds(59));
  EXPECT_EQ(counters_[0].hedges.value() + counters_[1].hedges.value(), 0u);
  loop_.Advance(Milliseconds(2));
  EXPECT_EQ(counters_[0].hedges.value() + counters_[1].hedges.value(), 1u);
}

// Its mean is 15 ms, and one answer in twenty takes 60 or more.
TEST_F(UpstreamManagerTest, TheHedgeTimeIsThatOfTheSlowestTwentiethAndNotTheMean) {
  options_.zones[0].policy = SelectionPolicy::kSequential;
  options_.limits.hedge = false;  // So that all answers are the first server's.
  Make(2);
  int asked = 0;
  Script(0, [&asked](const UpstreamQuery& query) {
    return Answer(query, Milliseconds(++asked % 10 == 0 ? 60 : 10));
  });
  for (int i = 0; i < 2000; ++i) {
    Ask("name" + std::to_string(i) + ".example");
    loop_.Advance(Milliseconds(100));
  }
  const Duration hedge_after = manager_->Explain(*DomainName::FromText("a.example")).hedge_after;
  EXPECT_GE(hedge_after, Milliseconds(100));
  EXPECT_LE(hedge_after, Milliseconds(130));
}

TEST_F(UpstreamManagerTest, WithoutHedgesOnlyALateAttemptCausesAnother) {
  options_.limits.hedge = false;
  Make(2);
  Ask();
  loop_.Advance(Milliseconds(100));
  Silence(0);
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(outcome->elapsed, options_.limits.tuning.min_attempt_timeout + Milliseconds(2 + 10));
  EXPECT_EQ(counters_[1].hedges.value(), 0u);
}

TEST_F(UpstreamManagerTest, AMeteredServerIsQueriedWhenNeededAndNeverForSpeed) {
  Make(3);
  manager_.reset();
  options_.zones[0].servers[1].metered = true;
  manager_ = std::make_unique<UpstreamManager>(loop_, options_, *connector_,
                                               absl::MakeSpan(counters_), random_);
  Ask();
  loop_.Advance(Milliseconds(100));
  Silence(0);
  Ask();
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(queries(1), 0);
  EXPECT_EQ(counters_[2].hedges.value(), 1u);
  Refuse(0);
  connector_->Disconnect(0);
  Refuse(2);
  connector_->Disconnect(2);
  loop_.Advance(Seconds(1));
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(queries(1), 1);
}

TEST_F(UpstreamManagerTest, HedgesEndWithTheirBudgetThenPatienceDecides) {
  Make(2);
  Ask();
  loop_.Advance(Milliseconds(100));
  // Slow, but not silent: a message every 10 ms keeps the connection above suspicion.
  Script(0, [](const UpstreamQuery& query) {
    const bool slow = query.question.qname == *DomainName::FromText("slow.example.com");
    return slow ? ScriptedReply::Silence() : Answer(query);
  });
  for (int i = 0; i < 60; ++i) {
    Ask("slow.example.com");
    for (int j = 0; j < 3; ++j) {
      loop_.Advance(Milliseconds(10));
      Ask();
    }
  }
  EXPECT_GE(counters_[1].hedges.value(), 50u);
  EXPECT_LE(counters_[1].hedges.value(), 62u);  // 50 saved, 0.05 for each of 240.
  for (int i = 0; i < 10; ++i) Ask("slow.example.com");
  const auto outcome = Ask("slow.example.com");
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_GE(outcome->elapsed, Milliseconds(40));
}

TEST_F(UpstreamManagerTest, AllQueriesOfAStalledConnectionGoElsewhereAtOnceAndUnbudgeted) {
  Make(2);
  Ask();
  loop_.Advance(Milliseconds(100));
  Silence(0);
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 200; ++i) outcomes.push_back(Ask());
  loop_.Advance(Seconds(1));
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
    EXPECT_LE(outcome->elapsed, Milliseconds(40 + 2 + 10));  // 4 x 10 ms, connect, answer.
  }
  EXPECT_EQ(counters_[0].stalls.value(), 1u);
  EXPECT_LE(counters_[1].hedges.value(), 60u);
  EXPECT_EQ(queries(1), 200);  // Once each.
}

TEST_F(UpstreamManagerTest, ALateQueryWhoseConnectionIsLostGoesElsewhereUnbudgeted) {
  Make(2);
  for (int i = 0; i < 2; ++i) {
    Script(i, [i](const UpstreamQuery& query) {
      if (query.question.qname == *DomainName::FromText("slow.example")) {
        return ScriptedReply::Silence();
      }
      const bool closed = query.question.qname == *DomainName::FromText("closed.example");
      return closed && i == 0 ? ScriptedReply::Disconnect(Milliseconds(400)) : Answer(query);
    });
  }
  Ask();
  loop_.Advance(Milliseconds(100));
  for (int i = 0; i < 800; ++i) Ask("slow.example");  // More than the budget allows to retry.
  const auto outcome = Ask("closed.example");
  for (int i = 0; i < 70; ++i) {
    loop_.Advance(Milliseconds(5));
    Ask();
  }
  EXPECT_LT(queries(1), 800);
  EXPECT_EQ(outcome->calls, 0);
  EXPECT_GE(counters_[0].timeouts.value(), 800u);
  loop_.Advance(Milliseconds(100));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_GE(outcome->elapsed, Milliseconds(400));
}

TEST_F(UpstreamManagerTest, AStalledServerIsTriedWithOneQueryAtATimeUntilItAnswers) {
  Make(2);
  Ask();
  loop_.Advance(Milliseconds(100));
  Silence(0);
  for (int i = 0; i < 5; ++i) Ask();
  loop_.Advance(Milliseconds(60));
  const int before = queries(0);
  for (int i = 0; i < 5; ++i) Ask();
  EXPECT_LE(queries(0) - before, 1);
  loop_.Advance(Seconds(1));
  Script(0, [](const UpstreamQuery& query) { return Answer(query); });
  for (int i = 0; i < 500; ++i) {
    Ask();
    loop_.Advance(Milliseconds(10));
  }
  EXPECT_EQ(counters_[0].up.value(), 1u);
  EXPECT_GT(queries(0) - before, 100);
}

TEST_F(UpstreamManagerTest, OneSlowNameCostsNoOtherNameItsAnswer) {
  for (const int servers : {1, 2, 3}) {
    options_.zones.assign(1, {});
    counters_ = std::vector<UpstreamCounters>(8);
    manager_.reset();
    Make(servers);
    for (int i = 0; i < servers; ++i) {
      Script(i, [](const UpstreamQuery& query) {
        const bool slow = query.question.qname == *DomainName::FromText("slow.example.com");
        return Answer(query, slow ? Milliseconds(600) : Milliseconds(10));
      });
    }
    for (int i = 0; i < 50; ++i) {
      Ask();
      loop_.Advance(Milliseconds(30));
    }
    loop_.Advance(Seconds(5));  // Quiet: the latest word is long ago.
    const auto slow = Ask("slow.example.com");
    Ask("slow.example.com");
    for (int i = 0; i < 9; ++i) {
      loop_.Advance(Milliseconds(50));
      const auto fast = Ask();
      loop_.Advance(Milliseconds(15));
      EXPECT_EQ(fast->code, ExchangeFailure::kNone) << servers << " servers, step " << i;
    }
    loop_.Advance(Seconds(5));
    EXPECT_EQ(slow->code, ExchangeFailure::kNone) << servers;
  }
}

TEST_F(UpstreamManagerTest, AfterAllWereSilentTheFirstToAnswerServesWithinASecond) {
  Make(3);
  for (const int silent_ms : {6000, 4500, 20000, 1000}) {
    for (int i = 0; i < 3; ++i) Silence(i);
    for (int elapsed = 0; elapsed < silent_ms; elapsed += 5) {
      const auto outcome = Ask();
      // Once known dead, all fail at once: the queries, too, that try whether it still is so.
      if (elapsed > 1500) {
        EXPECT_EQ(outcome->code, ExchangeFailure::kUnreachable) << elapsed;
      }
      loop_.Advance(Milliseconds(5));
    }
    for (int i = 0; i < 3; ++i) {
      Script(i, [](const UpstreamQuery& query) { return Answer(query); });
    }
    int elapsed = 0;
    for (bool answered = false; !answered && elapsed < 5000; elapsed += 5) {
      const auto outcome = Ask();
      loop_.Advance(Milliseconds(20));
      elapsed += 15;
      answered = outcome->code == ExchangeFailure::kNone;
    }
    EXPECT_LE(elapsed, 1100) << silent_ms;
    for (int i = 0; i < 600; ++i) {
      Ask();
      loop_.Advance(Milliseconds(5));
    }
  }
}

TEST_F(UpstreamManagerTest, AQueryThatWaitsEndsWhenAllServersAreKnownToBeSilent) {
  Make(3);
  for (int i = 0; i < 3; ++i) Silence(i);
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 100; ++i) {
    outcomes.push_back(Ask());
    loop_.Advance(Milliseconds(10));
  }
  loop_.Advance(Milliseconds(1500));
  for (const auto& outcome : outcomes) EXPECT_NE(outcome->code, std::nullopt);
}

TEST_F(UpstreamManagerTest, ServersThatAreSilentAreConnectedToOnceASecond) {
  Make(3);
  for (int i = 0; i < 3; ++i) Silence(i);
  int before = 0;
  for (int elapsed = 0; elapsed < 12000; elapsed += 5) {
    if (elapsed == 2000) before = connects(0);
    Ask();
    loop_.Advance(Milliseconds(5));
  }
  EXPECT_GE(connects(0) - before, 8);
  EXPECT_LE(connects(0) - before, 11);
}

TEST_F(UpstreamManagerTest, ServersThatLoseANameAreQueriedThreeTimesEach) {
  options_.zones[0].policy = SelectionPolicy::kRoundRobin;
  Make(3);
  EXPECT_EQ(TriesOfALossyName(9), 9);
}

TEST_F(UpstreamManagerTest, SilentServersAreQueriedThreeTimesEachAtMost) {
  Make(3);
  Ask();
  loop_.Advance(Milliseconds(100));
  // Alive for others, mute about this name.
  for (int i = 0; i < 3; ++i) {
    Script(i, [](const UpstreamQuery& query) {
      const bool mute = query.question.qname == *DomainName::FromText("mute.example.com");
      return mute ? ScriptedReply::Silence() : Answer(query);
    });
  }
  const std::vector<int> before = {queries(0), queries(1), queries(2)};
  const auto outcome = Ask("mute.example.com");
  loop_.Advance(Seconds(5));
  EXPECT_EQ(outcome->code, ExchangeFailure::kTimeout);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(queries(i) - before[static_cast<size_t>(i)], 3) << i;
}

TEST_F(UpstreamManagerTest, ALateAnswerOfTheFirstServerStillWins) {
  Make(2);
  Script(0, [](const UpstreamQuery& query) { return Answer(query, Milliseconds(1600)); });
  Silence(1);
  const auto outcome = Ask();
  loop_.Advance(Seconds(5));
  EXPECT_EQ(outcome->calls, 1);
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(outcome->elapsed, Milliseconds(1602));
  EXPECT_LE(queries(0) + queries(1), 6);
}

TEST_F(UpstreamManagerTest, TheDeadlineEndsAnExchange) {
  Make(3);
  for (int i = 0; i < 3; ++i) Silence(i);
  const auto outcome = Ask("www.example.com", Seconds(2));
  loop_.Advance(Seconds(10));
  EXPECT_EQ(outcome->calls, 1);
  EXPECT_EQ(outcome->code, ExchangeFailure::kTimeout);
  EXPECT_EQ(outcome->elapsed, Seconds(2));
  EXPECT_EQ(manager_->exchange_count(), 0u);
}

TEST_F(UpstreamManagerTest, ADeadlineThatHasPassedFailsAtOnce) {
  Make(1);
  EXPECT_EQ(Ask("www.example.com", Seconds(0))->code, ExchangeFailure::kTimeout);
  EXPECT_EQ(connects(0), 0);
}

TEST_F(UpstreamManagerTest, TheOnlyServerIsQueriedAgainOnANewConnectionWhenItsOwnIsSilent) {
  Make(1);
  int calls = 0;
  Script(0, [&calls](const UpstreamQuery& query) {
    return ++calls == 1 ? ScriptedReply::Silence() : Answer(query);
  });
  const auto outcome = Ask();
  loop_.Advance(Seconds(4));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(connects(0), 2);
}

TEST_F(UpstreamManagerTest, ABusyServerIsQueriedOnceMoreOverAnotherConnection) {
  Make(1);
  Script(0, [](const UpstreamQuery& query) {
    const bool slow = query.question.qname == *DomainName::FromText("slow.example.com");
    return Answer(query, slow ? Milliseconds(1900) : Milliseconds(10));
  });
  Ask();
  loop_.Advance(Milliseconds(50));
  const auto slow = Ask("slow.example.com");
  for (int i = 0; i < 40; ++i) {
    Ask();
    loop_.Advance(Milliseconds(50));
  }
  EXPECT_EQ(slow->code, ExchangeFailure::kNone);
  EXPECT_EQ(slow->elapsed, Milliseconds(1900));
  EXPECT_EQ(queries(0), 43);
  EXPECT_EQ(connects(0), 2);
}

TEST_F(UpstreamManagerTest, ALostDatagramIsSentOnceMoreWhileOthersAreAnswered) {
  Make(1, Transport::kUdp);
  int lost = 0;
  Script(0, [&lost](const UpstreamQuery& query) {
    const bool loses = query.question.qname == *DomainName::FromText("lost.corp.example");
    return loses && ++lost == 1 ? ScriptedReply::Silence() : Answer(query);
  });
  Ask();
  loop_.Advance(Milliseconds(50));
  const auto unlucky = Ask("lost.corp.example");
  for (int i = 0; i < 40; ++i) {
    Ask();
    loop_.Advance(Milliseconds(50));
  }
  EXPECT_EQ(unlucky->code, ExchangeFailure::kNone);
  EXPECT_LT(unlucky->elapsed, Milliseconds(500));
  EXPECT_EQ(lost, 2);
}

TEST_F(UpstreamManagerTest, AnOnlyServerThatLosesAllIsQueriedThreeTimes) {
  Make(1, Transport::kUdp);
  Silence(0);
  const auto outcome = Ask();
  loop_.Advance(Seconds(10));
  EXPECT_NE(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(queries(0), 3);
}

TEST_F(UpstreamManagerTest, ASilentServerNeverHeardOfIsLeftWithinHalfASecond) {
  Make(2);
  connector_->server(0).handshake = Milliseconds(50);
  Silence(0);
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  // Three times the time to connect, after it is connected.
  EXPECT_EQ(outcome->elapsed, Milliseconds(50 + 150 + 2 + 10));
}

TEST_F(UpstreamManagerTest, ABlackHoleIsLeftWhileItsConnectionIsBeingMade) {
  Make(2);
  connector_->server(0).handshake = std::nullopt;
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(outcome->elapsed, Milliseconds(250 + 2 + 10));
  const auto next = Ask();  // The other is connected: the black hole is not waited for.
  loop_.Advance(Seconds(1));
  EXPECT_EQ(next->elapsed, Milliseconds(10));
}

TEST_F(UpstreamManagerTest, AServerWithoutAConnectionIsConnectedBeforeItIsUsed) {
  options_.mode.prewarm = true;
  Make(2);
  connector_->server(0).handshake = Milliseconds(100);
  manager_->Start();
  loop_.Advance(Milliseconds(200));
  connector_->Disconnect(0);
  const auto first = Ask();
  loop_.Advance(Milliseconds(200));
  EXPECT_EQ(first->elapsed, Milliseconds(10));
  EXPECT_EQ(queries(1), 1);
  EXPECT_EQ(connects(0), 2);
  const auto second = Ask();
  loop_.Advance(Milliseconds(200));
  EXPECT_EQ(second->elapsed, Milliseconds(10));
  EXPECT_EQ(queries(0), 1);
}

TEST_F(UpstreamManagerTest, AllDownIsWaitedForOneSecondThenFailsAtOnce) {
  Make(3);
  for (int i = 0; i < 3; ++i) Refuse(i);
  const auto first = Ask();
  loop_.Advance(Milliseconds(900));
  EXPECT_EQ(first->code, std::nullopt);
  loop_.Advance(Milliseconds(200));
  EXPECT_EQ(first->code, ExchangeFailure::kUnreachable);
  for (int i = 0; i < 1000; ++i) {
    const auto outcome = Ask();
    EXPECT_EQ(outcome->code, ExchangeFailure::kUnreachable);
    loop_.Advance(Milliseconds(10));
  }
  // In 11 s: every 100 ms of the first, then once a second and the few of the back-off.
  for (int i = 0; i < 3; ++i) EXPECT_LE(connects(i), 26) << i;
}

TEST_F(UpstreamManagerTest, AQueryThatWaitsForAConnectionTakesAServerThatComesBack) {
  Make(2);
  connector_->server(0).handshake = std::nullopt;  // Connecting never ends.
  Refuse(1);
  manager_->Start();
  Ask("first.example");
  loop_.Advance(Milliseconds(300));
  const auto outcome = Ask();
  connector_->server(1).connect_failure = std::nullopt;
  loop_.Advance(Milliseconds(1200));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
}

TEST_F(UpstreamManagerTest, WhenAllStartAgainNoQueryFails) {
  Make(3);
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 400; ++i) {
    if (i == 100) {
      for (int j = 0; j < 3; ++j) {
        Refuse(j);
        connector_->Disconnect(j);
      }
    }
    if (i == 150) {
      for (int j = 0; j < 3; ++j) connector_->server(j).connect_failure = std::nullopt;
    }
    outcomes.push_back(Ask());
    loop_.Advance(Milliseconds(2));
  }
  loop_.Advance(Seconds(1));
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
    EXPECT_LE(outcome->elapsed, Milliseconds(300));
  }
}

TEST_F(UpstreamManagerTest, AfterAllWereDownTheFirstToComeBackServesWithinASecond) {
  Make(3);
  for (int i = 0; i < 3; ++i) Refuse(i);
  for (int i = 0; i < 6000; ++i) {  // A minute of queries.
    Ask();
    loop_.Advance(Milliseconds(10));
  }
  for (int i = 0; i < 3; ++i) connector_->server(i).connect_failure = std::nullopt;
  for (int i = 0; i < 100; ++i) {
    Ask();
    loop_.Advance(Milliseconds(10));
  }
  const auto outcome = Ask();
  loop_.Advance(Milliseconds(10));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  // What brought one back brought the others back: they do not sit out their back-off.
  for (int i = 0; i < 3; ++i) EXPECT_EQ(counters_[static_cast<size_t>(i)].up.value(), 1u) << i;
}

TEST_F(UpstreamManagerTest, QueriesForAZoneGoToItsServersOnly) {
  options_.zones.resize(3);
  options_.zones[1].zone = *DomainName::FromText("corp.example");
  options_.zones[2].zone = *DomainName::FromText("Deep.Corp.example");
  AddServer("example", 0);
  AddServer("example", 1);
  AddServer("example", 2);
  Make(0);
  Ask("www.example.com");
  Ask("notcorp.example");
  Ask("corp.example");
  Ask("a.b.corp.example");
  Ask("x.deep.corp.example");
  loop_.Advance(Milliseconds(100));
  EXPECT_EQ(queries(0), 2);
  EXPECT_EQ(queries(1), 2);
  EXPECT_EQ(queries(2), 1);
  Refuse(1);
  connector_->Disconnect(1);
  loop_.RunUntilIdle();
  const auto outcome = Ask("host.corp.example");
  loop_.Advance(Seconds(2));
  EXPECT_EQ(outcome->code, ExchangeFailure::kUnreachable);
  EXPECT_EQ(queries(0), 2);
}

TEST_F(UpstreamManagerTest, ACancelledExchangeIsNeverAnsweredAndItsCallbackDestroyed) {
  Make(1);
  const auto outcome = Ask();
  EXPECT_EQ(outcome.use_count(), 2);
  manager_->Cancel(outcome->id);
  EXPECT_EQ(outcome.use_count(), 1);
  manager_->Cancel(outcome->id);
  manager_->Cancel(12345);
  loop_.Advance(Seconds(5));
  EXPECT_EQ(outcome->calls, 0);
  EXPECT_EQ(manager_->exchange_count(), 0u);
}

TEST_F(UpstreamManagerTest, AnOldIdNeverCancelsALaterExchange) {
  Make(1);
  const auto first = Ask();
  loop_.Advance(Milliseconds(50));
  const auto second = Ask();
  EXPECT_NE(first->id, second->id);
  manager_->Cancel(first->id);
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(second->calls, 1);
}

TEST_F(UpstreamManagerTest, TooManyExchangesAreTurnedAway) {
  options_.limits.tuning.max_exchanges = 10;
  Make(1);
  for (int i = 0; i < 10; ++i) Ask();
  EXPECT_EQ(Ask()->code, ExchangeFailure::kLimit);
  loop_.Advance(Seconds(1));
  EXPECT_EQ(manager_->exchange_count(), 0u);
}

TEST_F(UpstreamManagerTest, FullConnectionsEverywhereAreALimit) {
  options_.limits.tuning.max_in_flight_per_connection = 1;
  options_.limits.tuning.max_connections_per_server = 1;
  Make(2);
  Ask();
  Ask();
  EXPECT_EQ(Ask()->code, ExchangeFailure::kLimit);
  loop_.RunUntilIdle();
}

TEST_F(UpstreamManagerTest, DrainEndsWhatIsUnderWayAndTakesNothingNew) {
  Make(2);
  Script(0, [](const UpstreamQuery&) { return ScriptedReply::Disconnect(Milliseconds(50)); });
  const auto outcome = Ask();
  loop_.Advance(Milliseconds(10));
  manager_->Drain();
  EXPECT_EQ(Ask()->code, ExchangeFailure::kUnreachable);
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);  // From the second server.
  EXPECT_EQ(connector_->open_connections(0) + connector_->open_connections(1), 0);
  EXPECT_EQ(loop_.armed_timer_count(), 0u);
}

TEST_F(UpstreamManagerTest, TheCallbackMayBeginTheNextExchange) {
  Make(1);
  int left = 5;
  std::function<void()> next = [this, &left, &next] {
    UpstreamQuery query;
    query.question = {*DomainName::FromText("www.example.com"), QType::kA, QClass::kIn};
    if (left-- == 0) return;
    ASSERT_TRUE(manager_
                    ->Exchange(query, loop_.Now() + Seconds(1),
                               [&next](ExchangeOr<UpstreamResponse>) { next(); })
                    .ok());
  };
  next();
  loop_.Advance(Seconds(2));
  EXPECT_EQ(left, -1);
  EXPECT_EQ(queries(0), 5);
}

// A steady stream of queries over four balanced servers, of which one at a time is bad in its own
// way: no query fails or waits long.
TEST_F(UpstreamManagerTest, OneBadServerAtATimeFailsNoQuery) {
  options_.zones[0].policy = SelectionPolicy::kBalanced;
  options_.mode.prewarm = true;
  Make(4);
  manager_->Start();
  loop_.Advance(Milliseconds(10));
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int fault = 0; fault < 8; ++fault) {
    const int bad = fault % 4;
    if (fault < 2) Refuse(bad);
    if (fault < 2) connector_->Disconnect(bad);
    if (fault == 2 || fault == 3) Silence(bad);
    if (fault == 4) ScriptFailure(bad, UpstreamFailure::kMalformed);
    if (fault == 5) ScriptError(bad, Rcode::kServFail);
    if (fault == 6) connector_->server(bad).handshake = std::nullopt;
    if (fault == 6) connector_->Disconnect(bad);
    if (fault == 7) {
      Script(bad, [](const UpstreamQuery&) { return ScriptedReply::Disconnect(); });
    }
    for (int i = 0; i < 1000; ++i) {
      outcomes.push_back(Ask());
      loop_.Advance(Milliseconds(5));
    }
    connector_->server(bad) = ScriptedServer();
    loop_.Advance(Seconds(40));
  }
  int slow = 0;
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome->calls, 1);
    EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
    EXPECT_EQ(outcome->rcode, Rcode::kNoError);
    if (outcome->elapsed > Milliseconds(50)) ++slow;
    EXPECT_LE(outcome->elapsed, Milliseconds(500));
  }
  EXPECT_LT(slow, static_cast<int>(outcomes.size() / 100));
}

// Three IPv6 servers behind a black hole, then one that works over IPv4.
TEST_F(UpstreamManagerTest, BothFamiliesAreTriedBeforeAConnectionTimesOut) {
  for (int i = 0; i < 3; ++i)
    AddServer("example", 0).endpoint = *Endpoint::Parse(absl::StrCat("[2001:db8::", i, "]:853"));
  Make(1);
  for (int server = 0; server < 3; ++server) connector_->server(server).handshake = std::nullopt;
  const auto outcome = Ask();
  loop_.Advance(Seconds(4));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_LT(outcome->elapsed, Milliseconds(300));  // The delay of RFC 8305 section 5, and the way.
}

TEST_F(UpstreamManagerTest, ABrokenFamilyIsNotTriedForAZoneThatWasNeverQueried) {
  options_.zones.resize(2);
  options_.zones[1].zone = DomainName::FromText("corp.example")->Canonical();
  options_.zones[1].policy = SelectionPolicy::kSequential;
  for (int i = 0; i < 2; ++i)
    AddServer("example", 0).endpoint = *Endpoint::Parse(absl::StrCat("[2001:db8::", i, "]:853"));
  AddServer("example", 0);
  AddServer("example", 1).endpoint = *Endpoint::Parse("[2001:db8::77]:853");
  AddServer("example", 1);
  options_.mode.prewarm = true;
  Make(0);
  for (const int server : {0, 1, 3}) {
    connector_->server(server).connect_failure = UpstreamFailure::kUnreachable;
  }
  manager_->Start();
  loop_.Advance(Milliseconds(100));
  const auto outcome = Ask("www.corp.example");
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(connects(3), 0);
}

// Sixteen workers of one process, all of whose servers are dead.
TEST_F(UpstreamManagerTest, ANetworkChangeConcernsTheServersItNamesInAllZones) {
  options_.zones.resize(2);
  options_.zones[1].zone = *DomainName::FromText("corp.example");
  AddServer("example", 1);
  Make(2);
  Ask();
  Ask("www.corp.example");
  loop_.Advance(Milliseconds(50));
  manager_->OnNetworkChange({.peers = {{2, false}}});
  loop_.RunUntilIdle();
  EXPECT_EQ(connector_->open_connections(0), 1);
  EXPECT_EQ(connector_->open_connections(2), 0);
  manager_->OnNetworkChange({.peers = {{0, false}, {1, false}}});
  loop_.RunUntilIdle();
  EXPECT_EQ(connector_->open_connections(0), 0);
}

TEST_F(UpstreamManagerTest, AfterANetworkChangeConnectionsArePreparedAgain) {
  options_.mode.prewarm = true;
  Make(2);
  manager_->Start();
  loop_.Advance(Milliseconds(50));
  manager_->OnNetworkChange({.peers = {{0, false}, {1, true}}});
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(connects(0), 2);
  EXPECT_EQ(connects(1), 1);  // Its link is down.
  EXPECT_EQ(connector_->open_connections(0), 1);
}

TEST_F(UpstreamManagerTest, AQueryInFlightIsSentAgainAtOnceWhenTheNetworkChanges) {
  Make(1);
  Ask();
  loop_.Advance(Milliseconds(50));
  Silence(0);
  const auto outcome = Ask("other.example.com");
  Script(0, [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(10));
  });
  manager_->OnNetworkChange({.peers = {{0, false}}});
  loop_.Advance(Milliseconds(12));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
  EXPECT_EQ(connects(0), 2);
}

TEST_F(UpstreamManagerTest, AQueryThatWaitsForAHandshakeIsSentAgainAtOnceWhenTheNetworkChanges) {
  Make(1);
  connector_->server(0).handshake = std::nullopt;
  const auto outcome = Ask();
  loop_.Advance(Milliseconds(100));
  connector_->server(0).handshake = Milliseconds(2);
  manager_->OnNetworkChange({.peers = {{0, false}}});
  loop_.Advance(Milliseconds(12));
  EXPECT_EQ(outcome->calls, 1);
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
}

TEST_F(UpstreamManagerTest, ChangesOfTheNetworkAreNoSignOfOverload) {
  constexpr int kAsked = 300;  // More than the budget for retries has.
  Make(1);
  Silence(0);
  connector_->server(0).life_reply = [](const UpstreamQuery& query) { return Answer(query); };
  Ask("first.example");
  loop_.Advance(Milliseconds(100));
  manager_->OnNetworkChange({.peers = {{0, false}}});
  loop_.Advance(Seconds(1));
  for (int i = 0; i < kAsked; ++i) Ask("n" + std::to_string(i) + ".example");
  loop_.Advance(Milliseconds(600));
  const int before = queries(0);
  EXPECT_LT(before, 2 * kAsked - 100);
  manager_->OnNetworkChange({.peers = {{0, false}}});
  loop_.Advance(Milliseconds(20));
  EXPECT_GE(queries(0), before + 100);
}

TEST_F(UpstreamManagerTest, AfterANetworkChangeNoServerIsKnownToBeDead) {
  Make(2);
  Refuse(0);
  Refuse(1);
  for (int i = 0; i < 4; ++i) {
    Ask();
    loop_.Advance(Seconds(1));
  }
  ASSERT_EQ(Ask()->code, ExchangeFailure::kUnreachable);  // At once.
  connector_->server(0).connect_failure.reset();
  manager_->OnNetworkChange({.peers = {{0, false}, {1, false}}});
  const auto outcome = Ask();
  loop_.Advance(Milliseconds(12));
  EXPECT_EQ(outcome->code, ExchangeFailure::kNone);
}

}  // namespace
}  // namespace dotcache
