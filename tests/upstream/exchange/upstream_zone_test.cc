// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/upstream_zone.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/scripted_zones.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Zones with providers of two addresses each.
class UpstreamZoneTest : public testing::Test, protected ScriptedZones {
 protected:
  void Make(const std::vector<std::string>& names, int providers = 2) {
    for (const std::string& name : names) {
      UpstreamZoneOptions& zone = AddZone(name, 2 * providers);
      zone.policy = SelectionPolicy::kSequential;
      for (size_t i = 0; i < zone.servers.size(); ++i) {
        zone.servers[i].provider = absl::StrCat("provider", i / 2);
      }
    }
    MakeZones();
  }
  UpstreamZone& Zone() { return zones_->root(); }
  ServerOrder Order() {
    return Zone().ChooseOrder(DomainName(), Zone().LookAt(loop_.Now()), loop_.Now());
  }
  // Server 2 answers names to which server 0 answered with SERVFAIL.
  void Refute(int count) {
    for (int i = 0; i < count; ++i) {
      Zone().NoteAnswer(2, 0b0011, *DomainName::FromText(absl::StrCat("n", ++number_, ".example")),
                        Rcode::kServFail);
    }
  }

  int number_ = 0;
};

TEST_F(UpstreamZoneTest, AProviderThatWasTakenOutIsNotQueried) {
  Make({"."});
  Zone().UseProvider("provider0", false);
  EXPECT_THAT(Order(), ElementsAre(2, 3));
  EXPECT_EQ(Zone().SameProvider(2, Zone().LookAt(loop_.Now())), 0b0100u);  // No other is left.
  Zone().UseProvider("provider7", false);
  EXPECT_THAT(Order(), ElementsAre(2, 3));
  Zone().UseProvider("provider0", true);
  EXPECT_THAT(Order(), ElementsAre(0, 1, 2, 3));
}

TEST_F(UpstreamZoneTest, AnAddressOfAProviderThatWasTakenOutIsNotAsked) {
  Make({"."});
  Zone().Prepare();
  loop_.Advance(Milliseconds(10));
  Zone().UseProvider("provider0", false);
  const int before = connector_.server(0).connects;
  Zone().SetAddress(0, Endpoint::Parse("192.0.2.99:853").value());
  loop_.Advance(Milliseconds(10));
  EXPECT_THAT(Order(), ElementsAre(2, 3));
  EXPECT_EQ(connector_.server(0).connects, before);
  EXPECT_EQ(counters_[0].taken_out.value(), 1u);
}

TEST_F(UpstreamZoneTest, AnErringProviderIsQueriedLastAndOnceASecondFirst) {
  Make({"."});
  testing::internal::CaptureStderr();
  Refute(8);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("upstream provider is erring: it is queried last provider=provider0 "
                        "cause=SERVFAIL errors=8"));
  EXPECT_EQ(counters_[0].erring.value(), 1u);
  EXPECT_EQ(counters_[1].erring.value(), 1u);
  EXPECT_EQ(counters_[2].erring.value(), 0u);
  EXPECT_THAT(Order(), ElementsAre(2, 3, 0, 1));
  loop_.Advance(Seconds(1));
  EXPECT_EQ(Order()[0], 0);
  EXPECT_THAT(Order(), ElementsAre(2, 3, 0, 1));
  testing::internal::CaptureStderr();
  Zone().NoteAnswer(1, 0, DomainName(), Rcode::kNoError);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("upstream provider answers again"));
  EXPECT_EQ(counters_[0].erring.value(), 0u);
  EXPECT_THAT(Order(), ElementsAre(0, 1, 2, 3));
}

TEST_F(UpstreamZoneTest, AProviderAloneIsNeverErring) {
  Make({"."}, /*providers=*/1);
  for (int i = 0; i < 20; ++i) {
    Zone().NoteAnswer(1, 0b0001, *DomainName::FromText(absl::StrCat("n", i, ".example")),
                      Rcode::kServFail);
  }
  EXPECT_EQ(counters_[0].erring.value(), 0u);
}

TEST_F(UpstreamZoneTest, TheServersOfAProviderShareAnErrorIfThereIsAnotherProvider) {
  Make({"."});
  EXPECT_EQ(Zone().SameProvider(1, Zone().LookAt(loop_.Now())), 0b0011u);
  EXPECT_EQ(Zone().SameProvider(2, Zone().LookAt(loop_.Now())), 0b1100u);
}

TEST_F(UpstreamZoneTest, WithoutAnotherProviderTheyDoNot) {
  Make({"."}, /*providers=*/1);
  EXPECT_EQ(Zone().SameProvider(1, Zone().LookAt(loop_.Now())), 0b10u);
}

TEST_F(UpstreamZoneTest, AnUnreachableZoneIsLoggedOnceEachTime) {
  Make({"corp.example"});
  testing::internal::CaptureStderr();
  Zone().NoteLost(true);
  Zone().NoteLost(true);
  const std::string once = testing::internal::GetCapturedStderr();
  EXPECT_THAT(once, HasSubstr("no upstream reachable zone=corp.example."));
  EXPECT_EQ(once.find("no upstream", once.find("no upstream") + 1), std::string::npos);
  Zone().NoteLost(false);
  testing::internal::CaptureStderr();
  Zone().NoteLost(true);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("no upstream reachable"));
}

}  // namespace
}  // namespace dotcache
