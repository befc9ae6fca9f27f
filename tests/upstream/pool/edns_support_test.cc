// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/edns_support.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr Rcode kErrors[] = {Rcode::kFormErr, Rcode::kNotImp, Rcode::kBadVers};

ResponseFacts Facts(Rcode rcode, bool with_opt) {
  ResponseFacts facts;
  facts.rcode = rcode;
  facts.edns.present = with_opt;
  return facts;
}

MonoTime At(int64_t seconds) { return MonoTime() + Seconds(1000 + seconds); }

// RFC 6891 section 7: a server without EDNS answers FORMERR or NOTIMP without OPT.
TEST(EdnsSupportTest, AnErrorWithoutOptIsRetriedWithoutOpt) {
  for (const Rcode rcode : kErrors) {
    for (const EdnsUse used : {EdnsUse::kFull, EdnsUse::kWithoutOptions}) {
      EXPECT_EQ(EdnsSupport::Lower(Facts(rcode, false), used), EdnsUse::kNone);
    }
    EXPECT_EQ(EdnsSupport::Lower(Facts(rcode, false), EdnsUse::kNone), std::nullopt);
  }
}

TEST(EdnsSupportTest, FormErrWithOptIsRetriedWithoutOptionsOnce) {
  EXPECT_EQ(EdnsSupport::Lower(Facts(Rcode::kFormErr, true), EdnsUse::kFull),
            EdnsUse::kWithoutOptions);
  EXPECT_EQ(EdnsSupport::Lower(Facts(Rcode::kFormErr, true), EdnsUse::kWithoutOptions),
            std::nullopt);
  EXPECT_EQ(EdnsSupport::Lower(Facts(Rcode::kNotImp, true), EdnsUse::kFull), std::nullopt);
}

TEST(EdnsSupportTest, OtherResponsesAreResults) {
  for (const Rcode rcode : {Rcode::kNoError, Rcode::kNxDomain, Rcode::kServFail, Rcode::kRefused}) {
    EXPECT_EQ(EdnsSupport::Lower(Facts(rcode, false), EdnsUse::kFull), std::nullopt);
  }
}

TEST(EdnsSupportTest, LessEdnsIsUsedForAWhileAfterItWorked) {
  EdnsSupport support;
  EXPECT_FALSE(support.NoteResponse(Facts(Rcode::kFormErr, false), EdnsUse::kFull, At(0)));
  EXPECT_EQ(support.UseAt(At(0)), EdnsUse::kFull);
  EXPECT_TRUE(support.NoteResponse(Facts(Rcode::kRefused, false), EdnsUse::kNone, At(0)));
  EXPECT_EQ(support.UseAt(At(899)), EdnsUse::kNone);
  EXPECT_FALSE(support.NoteResponse(Facts(Rcode::kNoError, false), EdnsUse::kNone, At(899)));
  EXPECT_EQ(support.UseAt(At(900)), EdnsUse::kFull);
}

// A name for which the server always answers FORMERR is no evidence.
TEST(EdnsSupportTest, NothingIsLearnedIfLessEdnsDoesNotWorkEither) {
  EdnsSupport support;
  for (const Rcode rcode : kErrors) {
    EXPECT_FALSE(support.NoteResponse(Facts(rcode, false), EdnsUse::kNone, At(0)));
  }
  EXPECT_EQ(support.UseAt(At(0)), EdnsUse::kFull);
}

// Without EDNS there would be no DNSSEC for any name.
TEST(EdnsSupportTest, OneOddNameIsNoEvidenceAgainstAServerThatUnderstandsEdns) {
  EdnsSupport support;
  EXPECT_FALSE(support.NoteResponse(Facts(Rcode::kNoError, true), EdnsUse::kFull, At(0)));
  EXPECT_FALSE(support.NoteResponse(Facts(Rcode::kNoError, false), EdnsUse::kNone, At(899)));
  EXPECT_EQ(support.UseAt(At(899)), EdnsUse::kFull);
  EXPECT_TRUE(support.NoteResponse(Facts(Rcode::kNoError, false), EdnsUse::kNone, At(900)));
}

TEST(EdnsSupportTest, ItIsLoggedOnceUntilTheServerUnderstandsEdnsAgain) {
  EdnsSupport support;
  EXPECT_TRUE(support.NoteResponse(Facts(Rcode::kNoError, false), EdnsUse::kNone, At(0)));
  EXPECT_FALSE(support.NoteResponse(Facts(Rcode::kNoError, false), EdnsUse::kNone, At(1000)));
  EXPECT_FALSE(support.NoteResponse(Facts(Rcode::kNoError, true), EdnsUse::kFull, At(2000)));
  EXPECT_TRUE(support.NoteResponse(Facts(Rcode::kNoError, false), EdnsUse::kNone, At(3000)));
}

}  // namespace
}  // namespace dotcache
