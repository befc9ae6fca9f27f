// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/second_opinion.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/scripted_zones.h"

namespace dotcache {
namespace {

// Two providers with two addresses each.
class SecondOpinionTest : public testing::Test, protected ScriptedZones {
 protected:
  SecondOpinionTest() {
    UpstreamZoneOptions& zone = AddZone(".", 4);
    for (size_t i = 0; i < 4; ++i) zone.servers[i].provider = absl::StrCat("provider", i / 2);
    MakeZones();
    exchange_.zone = &zones_->root();
  }

  static UpstreamResponse Of(Rcode rcode, ResponseKind kind) {
    UpstreamResponse response;
    response.facts.rcode = rcode;
    response.facts.kind = kind;
    return response;
  }
  bool Note(uint8_t server, std::optional<UpstreamResponse> response = std::nullopt) {
    return NoteError(exchange_, server, std::move(response), loop_.Now());
  }

  ExchangeRecord exchange_;
};

TEST_F(SecondOpinionTest, AnErrorIsConfirmedByAnotherProviderOnly) {
  EXPECT_FALSE(Note(0));
  EXPECT_EQ(exchange_.progress.reported_errors, 0b0011u);
  EXPECT_TRUE(exchange_.progress.has_error);
  EXPECT_FALSE(Note(1)) << "the same provider";
  EXPECT_TRUE(Note(2));
  EXPECT_EQ(exchange_.progress.reported_errors, 0b1111u);
}

TEST_F(SecondOpinionTest, TheErrorThatSaysMoreIsKept) {
  Note(0, Of(Rcode::kServFail, ResponseKind::kServFail));
  Note(2, Of(Rcode::kRefused, ResponseKind::kOtherError));
  const Rcode kept = exchange_.error_response->facts.rcode;
  ExchangeRecord reversed;
  reversed.zone = exchange_.zone;
  NoteError(reversed, 0, Of(Rcode::kRefused, ResponseKind::kOtherError), loop_.Now());
  NoteError(reversed, 2, Of(Rcode::kServFail, ResponseKind::kServFail), loop_.Now());
  EXPECT_EQ(reversed.error_response->facts.rcode, kept) << "in whatever order they come";
}

TEST_F(SecondOpinionTest, ADenialIsDoubtedAndAnErrorIsNot) {
  Note(0, Of(Rcode::kNxDomain, ResponseKind::kNxDomain));
  EXPECT_TRUE(exchange_.progress.has_denial);
  EXPECT_EQ(exchange_.progress.doubted, 0b0011u);
  Note(2, Of(Rcode::kServFail, ResponseKind::kServFail));
  EXPECT_EQ(exchange_.progress.doubted, 0b0011u);
}

TEST_F(SecondOpinionTest, ALoopProbeIsNotDoubted) {
  UpstreamResponse denial = Of(Rcode::kNxDomain, ResponseKind::kNxDomain);
  exchange_.progress.is_loop_probe = true;
  EXPECT_FALSE(IsDoubted(exchange_, denial, *zones_));
}

}  // namespace
}  // namespace dotcache
