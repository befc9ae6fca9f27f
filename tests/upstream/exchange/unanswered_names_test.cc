// SPDX-License-Identifier: Apache-2.0
// Names that the servers of a zone never answer, beside names that they answer at once.

#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/scripted_manager.h"

namespace dotcache {
namespace {

// Unanswered names a second, servers, transport.
using Situation = std::tuple<int, int, Transport>;

class UnansweredNamesTest : public testing::TestWithParam<Situation>, protected ScriptedManager {
 protected:
  UnansweredNamesTest() {
    const auto [rate, servers, transport] = GetParam();
    options_.mode.prewarm = false;
    for (int i = 0; i < servers; ++i) AddServer("private").transport = transport;
    MakeConnector();
    for (int i = 0; i < servers; ++i) {
      connector_->server(i).reply = [](const UpstreamQuery& query) {
        const Bytes name = query.question.qname.wire();
        const bool hole = name.size() > 1 && name[1] == 'h';
        return hole ? ScriptedReply::Silence()
                    : ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(2));
      };
    }
    MakeManager();
  }

  void Ask(char kind, Duration deadline, std::function<void(bool)> done) {
    UpstreamQuery query;
    query.question = {*DomainName::FromText(absl::StrCat(std::string(1, kind), ++number_, ".corp")),
                      QType::kA, QClass::kIn};
    const auto id =
        manager_->Exchange(query, loop_.Now() + deadline,
                           [done](ExchangeOr<UpstreamResponse> response) { done(response.ok()); });
    if (!id.ok()) done(false);
  }

  int number_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Rates, UnansweredNamesTest,
                         testing::Combine(testing::Values(1, 2, 5, 10, 100), testing::Values(1, 2),
                                          testing::Values(Transport::kUdp, Transport::kDot)),
                         [](const auto& param_info) {
                           return absl::StrCat(
                               "Rate", std::get<0>(param_info.param), "Servers",
                               std::get<1>(param_info.param),
                               std::get<2>(param_info.param) == Transport::kUdp ? "Udp" : "Dot");
                         });

// Other clients query every 0.5, 1 and 2 seconds.
TEST_P(UnansweredNamesTest, CostNoOtherNameItsAnswer) {
  for (const Duration interval : {Milliseconds(500), Milliseconds(1000), Milliseconds(2000)}) {
    int failed = 0;
    MonoTime next_hole = loop_.Now();
    MonoTime next_victim = loop_.Now() + Seconds(3);
    const MonoTime end = loop_.Now() + Seconds(30);
    while (loop_.Now() < end) {
      if (loop_.Now() >= next_hole) {
        Ask('h', Seconds(5), [](bool) {});
        next_hole += Milliseconds(1000) / std::get<0>(GetParam());
      }
      if (loop_.Now() >= next_victim) {
        Ask('v', Seconds(2), [&failed](bool answered) { failed += answered ? 0 : 1; });
        next_victim += interval;
      }
      loop_.Advance(Milliseconds(5));
    }
    loop_.Advance(Seconds(6));
    EXPECT_EQ(failed, 0);
  }
}

}  // namespace
}  // namespace dotcache
