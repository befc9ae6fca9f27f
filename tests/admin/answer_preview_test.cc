// SPDX-License-Identifier: Apache-2.0
#include "admin/answer_preview.h"

#include <string>

#include "absl/strings/str_join.h"
#include "answer/extended_errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/boot_clock.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

using testing::HasSubstr;

// A server that receives no query. Tests put entries into its cache.
class AnswerPreviewTest : public testing::Test {
 protected:
  AnswerPreviewTest() : server_(TestServerOptions({&upstream_})) {}

  ResponseCache& cache() { return server_.server().cache(); }

  CacheKey Key() { return {question_, false, false, cache().seed()}; }

  // Stores data that is fresh for a minute from now on.
  void StoreAnswer() {
    uint8_t wire[kHeaderSize + 32] = {};
    const CacheKey key = Key();
    std::copy(key.question().begin(), key.question().end(), wire + kHeaderSize);
    const StoredView message{Bytes(wire, kHeaderSize + key.question().size()), {}};
    cache().Insert(key, MakeCacheEntry(message, EntryFacts{}, now_, Seconds(60)), now_);
  }

  // The preview after this time, as "FROM: SENTENCES".
  std::string After(Duration time) {
    const AnswerPreview preview = PreviewAnswer(server_.server(), question_, 0, now_ + time);
    return absl::StrCat(preview.from, ": ", absl::StrJoin(preview.why, " "));
  }

  LoopbackDotServer upstream_;
  RunningServer server_;
  const Question question_ = {*DomainName::FromText("a.test.example"), QType::kA, QClass::kIn};
  const MonoTime now_ = BootTime();
};

TEST_F(AnswerPreviewTest, DataIsFreshThenStaleThenGone) {
  StoreAnswer();
  EXPECT_THAT(After(Seconds(20)), HasSubstr("cache: "));
  EXPECT_THAT(After(Seconds(20)), HasSubstr("has fresh data of kind answer"));
  EXPECT_THAT(After(Seconds(20)), HasSubstr("stored 20.0 s ago. It is fresh for 40 s more."));
  EXPECT_THAT(After(Seconds(90)), HasSubstr("upstream: "));
  EXPECT_THAT(After(Seconds(90)), HasSubstr("has stale data of kind answer"));
  EXPECT_THAT(After(Seconds(90)), HasSubstr("It expired 30.0 s ago. It answers if its refresh "
                                            "fails, or takes longer than 1800 ms."));
  EXPECT_THAT(After(std::chrono::hours(30)), HasSubstr("The cache has no entry"));
}

TEST_F(AnswerPreviewTest, StaleDataAnswersAtOnceAfterAFailedRefresh) {
  StoreAnswer();
  const MonoTime failed_at = now_ + Seconds(70);
  cache().NoteFailure(Key(), {}, failed_at);
  EXPECT_THAT(After(Seconds(80)), HasSubstr("stale data: "));
  EXPECT_THAT(After(Seconds(80)), HasSubstr("The next refresh begins in 20 s."));
  EXPECT_THAT(After(Seconds(110)), HasSubstr("upstream: "));
}

TEST_F(AnswerPreviewTest, RememberedFailureSaysItsCauseAndItsEnd) {
  Failure failure;
  failure.cause = CauseOf(ExchangeFailure::kTimeout);
  failure.upstream_error = ExtendedError{static_cast<ExtendedErrorCode>(6), "bad signature"};
  cache().NoteFailure(Key(), failure, now_);
  cache().NoteFailure(Key(), failure, now_ + Seconds(1));
  const std::string text = After(Milliseconds(1400));
  EXPECT_THAT(text, HasSubstr("remembered failure: "));
  EXPECT_THAT(text, HasSubstr("failed 0.4 s ago: no upstream server answered in time."));
  EXPECT_THAT(text, HasSubstr("extended error 6: bad signature."));
  EXPECT_THAT(text, HasSubstr("It has failed 2 times in a row."));
  EXPECT_THAT(text, HasSubstr("clients get SERVFAIL."));
  EXPECT_THAT(After(Seconds(10)), HasSubstr("upstream: "));
  EXPECT_THAT(After(Seconds(10)), HasSubstr("is remembered is over."));
  EXPECT_THAT(After(std::chrono::hours(1)), HasSubstr("The cache has no entry"));
}

}  // namespace
}  // namespace dotcache
