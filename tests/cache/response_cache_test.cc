// SPDX-License-Identifier: Apache-2.0
#include "cache/response_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cache/cache_test_data.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

using State = Found::State;

CacheOptions OptionsOf(size_t budget_bytes, int shards = 0) {
  CacheOptions options;
  options.budget_bytes = budget_bytes;
  options.tuning.shards = shards;
  options.stale_max_age = Seconds{0};
  return options;
}

void Put(ResponseCache& cache, const std::string& label, MonoTime expires = At(60)) {
  const CacheKey key = TestKey(label);
  cache.Insert(key, TestEntry(key, expires), At(0));
}

bool Has(ResponseCache& cache, const std::string& label, MonoTime now = At(0)) {
  return cache.Lookup(TestKey(label), now).state == Found::State::kFresh;
}

// The number of names left after more were stored than fit into one shard.
uint64_t EntriesAfter(ResponseCache& cache, int names) {
  for (int i = 0; i < names; ++i) Put(cache, absl::StrCat("n", i));
  return cache.Stats().entries;
}

TEST(ResponseCacheTest, FindsAStoredEntryInEveryShard) {
  ResponseCache cache(OptionsOf(1 << 20, 16), kTestSeed);
  EXPECT_EQ(EntriesAfter(cache, 1000), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(Has(cache, absl::StrCat("n", i))) << i;
  EXPECT_FALSE(Has(cache, "n1000"));
}

TEST(ResponseCacheTest, ABudgetOfZeroDisablesTheCache) {
  ResponseCache cache(OptionsOf(0), kTestSeed);
  Put(cache, "a");
  EXPECT_FALSE(Has(cache, "a"));
  EXPECT_EQ(cache.SweepExpired(At(0), 1000), 0u);
  EXPECT_EQ(cache.Clear(), 0u);
  EXPECT_EQ(cache.Stats().entries, 0u);
  EXPECT_EQ(cache.Stats().bytes, 0u);
}

TEST(ResponseCacheTest, TheBudgetHoldsForAnyNumberOfShards) {
  for (const int shards : {-1, 0, 1, 2, 3, 64, 1000, 1 << 30}) {
    constexpr size_t kBudget = 4 << 20;
    ResponseCache cache(OptionsOf(kBudget, shards), kTestSeed);
    Put(cache, "a");
    EXPECT_TRUE(Has(cache, "a")) << shards;
    EXPECT_LE(cache.Stats().bytes, kBudget) << shards;
    EXPECT_LE(cache.Stats().budget_bytes, kBudget) << shards;
  }
}

TEST(ResponseCacheTest, TheBudgetHoldsAfterManyInsertions) {
  constexpr size_t kBudget = 1 << 20;
  ResponseCache cache(OptionsOf(kBudget), kTestSeed);
  for (int i = 0; i < 20000; ++i) {
    Put(cache, absl::StrCat("n", i));
    if (i % 50 == 0) {
      ASSERT_LE(cache.Stats().bytes, kBudget);
    }
  }
  const CacheStats stats = cache.Stats();
  EXPECT_LE(stats.bytes, kBudget);
  EXPECT_GT(stats.bytes, kBudget * 99 / 100);
  EXPECT_EQ(stats.insertions, 20000u);
  EXPECT_EQ(stats.entries + stats.evictions, 20000u);
}

TEST(ResponseCacheTest, NamesOfOneZoneSpreadOverTheShards) {
  // Room for 8,960 entries; an uneven spread would fill some shards early and evict.
  constexpr size_t kBudget = size_t{8} << 18;
  ResponseCache cache(OptionsOf(kBudget, 8), kTestSeed);
  EXPECT_EQ(EntriesAfter(cache, 13000), 13000u);
  EXPECT_EQ(cache.Stats().evictions, 0u);
}

TEST(ResponseCacheTest, AnExpiredEntryIsNotFound) {
  ResponseCache cache(OptionsOf(1 << 20), kTestSeed);
  Put(cache, "a", At(10));
  EXPECT_TRUE(Has(cache, "a", At(9)));
  EXPECT_FALSE(Has(cache, "a", At(10)));
}

TEST(ResponseCacheTest, SweepsReachEveryShard) {
  ResponseCache cache(OptionsOf(1 << 20, 16), kTestSeed);
  for (int i = 0; i < 1000; ++i) Put(cache, absl::StrCat("n", i), At(10));
  Put(cache, "fresh", At(60));
  size_t removed = 0;
  // A slot for every 128 octets.
  for (int i = 0; i < (1 << 20) / 128 / 512; ++i) removed += cache.SweepExpired(At(10), 512);
  EXPECT_EQ(removed, 1000u);
  EXPECT_EQ(cache.Stats().entries, 1u);
  EXPECT_TRUE(Has(cache, "fresh", At(10)));
}

TEST(ResponseCacheTest, ClearRemovesEverything) {
  ResponseCache cache(OptionsOf(1 << 20, 16), kTestSeed);
  EXPECT_EQ(EntriesAfter(cache, 1000), 1000u);
  EXPECT_EQ(cache.Clear(), 1000u);
  EXPECT_EQ(cache.Stats().entries, 0u);
  EXPECT_FALSE(Has(cache, "n1"));
}

// Stores responses as a worker does.

class ResponseCacheStoreTest : public testing::Test {
 protected:
  CacheKey Key(QType qtype = QType::kA) {
    return {
        {*DomainName::FromText("www.example.com"), qtype, QClass::kIn}, false, false, kTestSeed};
  }

  CacheEntryRef Store(const WireMessage& response, QType qtype = QType::kA, MonoTime now = At(0)) {
    const Question question = {*DomainName::FromText("www.example.com"), qtype, QClass::kIn};
    const auto facts = InspectResponse(response, question);
    return cache_.Store(Key(qtype), response, std::get<ResponseFacts>(facts), now);
  }

  WireMessage Answer(uint32_t ttl = 300, QType qtype = QType::kA) {
    WireMessage rdata = ARdata("192.0.2.1");
    if (qtype == QType::kAaaa) rdata = AaaaRdata("2001:db8::1");
    if (qtype == QType::kTxt) rdata = TxtRdata({"text"});
    if (qtype == QType::kMx) rdata = MxRdata(10, "mx.example.com");
    if (qtype == QType::kHttps) rdata = MxRdata(0, "svc.example.com");  // AliasMode.
    return MakeResponse("www.example.com", qtype, {{"www.example.com", qtype, ttl, rdata}});
  }

  WireMessage Denial(Rcode rcode = Rcode::kNxDomain, QType qtype = QType::kA) {
    return MakeNegativeResponse("www.example.com", qtype, rcode, SoaRecord("example.com", 900, 60));
  }

  State StateOf(MonoTime now, QType qtype = QType::kA) {
    return cache_.Lookup(Key(qtype), now).state;
  }

  ResponseCache cache_{CacheOptions(), kTestSeed};
};

TEST_F(ResponseCacheStoreTest, AnAnswerIsForItsTypeOnly) {
  const CacheEntryRef entry = Store(Answer());
  EXPECT_EQ(cache_.Lookup(Key(), At(0)).entry, entry);
  EXPECT_FALSE(cache_.Lookup(Key(), At(0)).for_all_types);
  EXPECT_EQ(StateOf(At(0), QType::kAaaa), State::kNothing);
}

TEST_F(ResponseCacheStoreTest, OtherTtlBoundsConcernWhatIsStoredFromThenOn) {
  const CacheEntryRef before = Store(Answer(300));
  CacheOptions options;
  options.ttl_caps = {.positive = Seconds{60}, .negative = Seconds{20}, .floor = Seconds{10}};
  cache_.Use(options, At(0));
  EXPECT_EQ(cache_.Lookup(Key(), At(0)).entry, before);
  EXPECT_EQ(before->fresh_for(), Seconds{300});
  EXPECT_EQ(Store(Answer(300))->fresh_for(), Seconds{60});
  EXPECT_EQ(Store(Answer(5))->fresh_for(), Seconds{10});
  EXPECT_EQ(Store(Denial())->fresh_for(), Seconds{20});
  EXPECT_EQ(cache_.options().ttl_caps.negative, Seconds{20});
}

TEST_F(ResponseCacheStoreTest, AnNxDomainIsForAllTypes) {
  const CacheEntryRef entry = Store(Denial());
  for (const QType qtype : {QType::kA, QType::kAaaa, QType::kMx}) {
    const Found found = cache_.Lookup(Key(qtype), At(0));
    EXPECT_EQ(found.entry, entry);
    EXPECT_EQ(found.state, State::kFresh);
    EXPECT_TRUE(found.for_all_types);
  }
  EXPECT_EQ(cache_.Stats().entries, 1u);
  EXPECT_EQ(cache_.Lookup({Key().ForAllTypes()}, At(0)).entry, entry);
}

// RFC 4035 section 3.1.4.1: the DS comes from the zone above, which may not know the name.
TEST_F(ResponseCacheStoreTest, ADenialOfTheDsAndADenialOfOtherTypesAreApart) {
  const CacheEntryRef of_ds = Store(Denial(Rcode::kNxDomain, QType::kDs), QType::kDs);
  EXPECT_EQ(cache_.Lookup(Key(QType::kDs), At(0)).entry, of_ds);
  EXPECT_EQ(StateOf(At(0)), State::kNothing);
  const CacheEntryRef of_a = Store(Denial());
  EXPECT_EQ(cache_.Lookup(Key(QType::kDs), At(0)).entry, of_ds);
  EXPECT_EQ(cache_.NoteFailure(Key(QType::kDs), {}, At(0)), of_ds);
  Store(Denial(Rcode::kNoError, QType::kDs), QType::kDs);
  EXPECT_EQ(cache_.Lookup(Key(), At(0)).entry, of_a);
  cache_.Clear();
  Store(Denial());
  EXPECT_EQ(StateOf(At(0), QType::kDs), State::kNothing);
  EXPECT_EQ(cache_.NoteFailure(Key(QType::kDs), {}, At(0)), nullptr);
}

TEST_F(ResponseCacheStoreTest, DataIsNotHiddenByADenialOfAnotherType) {
  for (const QType has : {QType::kA, QType::kAaaa, QType::kHttps, QType::kMx}) {
    cache_.Clear();
    const QType denied = has == QType::kAaaa ? QType::kA : QType::kAaaa;
    const CacheEntryRef answer = Store(Answer(300, has), has, At(0));
    // The name had data too long ago for PositiveNames. The data itself is still stale data.
    const CacheEntryRef denial = Store(Denial(Rcode::kNxDomain, denied), denied, At(7200));
    EXPECT_EQ(cache_.Lookup(Key(denied), At(7200)).entry, denial);
    EXPECT_FALSE(cache_.Lookup(Key(denied), At(7200)).for_all_types);
    EXPECT_EQ(cache_.Lookup(Key(has), At(7200)).entry, answer);
    EXPECT_EQ(StateOf(At(7200), has), State::kStale);
    EXPECT_EQ(StateOf(At(7200), QType::kTxt), State::kNothing);
  }
}

TEST_F(ResponseCacheStoreTest, StaleDataOfAnyTypeAnswersDespiteAFreshNxDomain) {
  const CacheEntryRef answer = Store(Answer(300, QType::kTxt), QType::kTxt, At(0));
  Store(Denial(Rcode::kNxDomain, QType::kAaaa), QType::kAaaa, At(7200));
  EXPECT_EQ(cache_.Lookup(Key(QType::kTxt), At(7200)).entry, answer);
  EXPECT_EQ(cache_.NoteFailure(Key(QType::kTxt), {}, At(7200)), answer);
}

TEST_F(ResponseCacheStoreTest, DataOfAMomentAgoEndsTheDenialOfOtherTypes) {
  Store(Answer(/*ttl=*/0, QType::kTxt), QType::kTxt, At(0));
  Store(Denial(Rcode::kNxDomain, QType::kAaaa), QType::kAaaa, At(0));
  EXPECT_EQ(StateOf(At(0), QType::kTxt), State::kNothing);
  EXPECT_EQ(StateOf(At(0), QType::kAaaa), State::kFresh);
}

TEST_F(ResponseCacheStoreTest, ADenialForAllTypesIsLimitedToItsTypeWhenDataArrives) {
  for (const uint32_t ttl : {0, 300}) {
    cache_.Clear();
    Store(Denial(Rcode::kNxDomain, QType::kAaaa), QType::kAaaa, At(0));
    EXPECT_EQ(StateOf(At(1), QType::kMx), State::kFresh);
    Store(Answer(ttl), QType::kA, At(10));
    EXPECT_EQ(StateOf(At(11), QType::kMx), State::kNothing);
    EXPECT_EQ(StateOf(At(11)), ttl == 0 ? State::kNothing : State::kFresh);
    const Found found = cache_.Lookup(Key(QType::kAaaa), At(11));
    EXPECT_EQ(found.state, State::kFresh);
    EXPECT_FALSE(found.for_all_types);
    EXPECT_EQ(found.entry->kind, ResponseKind::kNxDomain);
    EXPECT_EQ(found.entry->stored_at, At(0));
    EXPECT_EQ(StateOf(At(60), QType::kAaaa), State::kStale);  // SOA MINIMUM is 60.
  }
}

TEST_F(ResponseCacheStoreTest, ADenialForAllTypesEndsWithDataOfItsTypeAndOfOtherDoAndCd) {
  Store(Denial(), QType::kA, At(0));
  Store(Answer(), QType::kA, At(1));
  EXPECT_EQ(cache_.Stats().entries, 1u);
  cache_.Clear();
  const Question question = {*DomainName::FromText("www.example.com"), QType::kA, QClass::kIn};
  const auto denial = Denial();
  const CacheKey with_do(question, true, false, kTestSeed);
  cache_.Store(with_do, denial, std::get<ResponseFacts>(InspectResponse(denial, question)), At(2));
  Store(Answer(), QType::kA, At(3));
  EXPECT_EQ(cache_.Lookup(with_do, At(4)).entry->kind, ResponseKind::kNxDomain);
  EXPECT_EQ(cache_.Lookup(with_do.With(QType::kMx, with_do.flags()), At(4)).state, State::kNothing);
}

TEST_F(ResponseCacheStoreTest, ExtendedErrorsOfTheUpstreamServerStayWithEntryAndFailure) {
  const RawOpt opt = {.options = {{15, {0, 15, 'a', 'd', 's'}}}};
  const ExtendedError blocked = {ExtendedErrorCode{15}, "ads"};
  Store(MessageBuilder()
            .Response(Rcode::kNxDomain)
            .Question("www.example.com", QType::kAaaa)
            .Authority(SoaRecord("example.com", 900, 60))
            .Opt(opt)
            .Build(),
        QType::kAaaa);
  EXPECT_EQ(cache_.Lookup(Key(QType::kMx), At(0)).entry->upstream_error(), blocked);
  Store(Answer(), QType::kA, At(1));  // Limits the denial to its type.
  EXPECT_EQ(cache_.Lookup(Key(QType::kAaaa), At(2)).entry->upstream_error(), blocked);
  cache_.NoteFailure(Key(QType::kTxt), {.upstream_error = blocked}, At(2));
  EXPECT_EQ(cache_.Lookup(Key(QType::kTxt), At(2)).entry->upstream_error(), blocked);
}

TEST_F(ResponseCacheStoreTest, AnAliasIsDataOfItsName) {
  const WireMessage dangling = MessageBuilder()
                                   .Response(Rcode::kNxDomain)
                                   .Question("www.example.com", QType::kA)
                                   .Answer(CnameRecord("www.example.com", 300, "gone.example.com"))
                                   .Authority(SoaRecord("example.com", 900, 60))
                                   .Build();
  Store(dangling, QType::kA, At(0));
  Store(Denial(Rcode::kNxDomain, QType::kAaaa), QType::kAaaa, At(7200));
  EXPECT_EQ(StateOf(At(7200), QType::kTxt), State::kNothing);
}

TEST_F(ResponseCacheStoreTest, AnNxDomainOfTheTypeThatHadDataIsForAllTypes) {
  Store(Answer(), QType::kA, At(0));
  Store(Denial(), QType::kA, At(300));
  EXPECT_TRUE(cache_.Lookup(Key(QType::kAaaa), At(301)).for_all_types);
}

TEST_F(ResponseCacheStoreTest, OfAStaleNoDataAndAStaleNxDomainTheLaterAnswers) {
  Store(Denial(Rcode::kNoError), QType::kA, At(0));
  Store(Denial(Rcode::kNxDomain, QType::kAaaa), QType::kAaaa, At(10));
  EXPECT_EQ(StateOf(At(400)), State::kStale);
  EXPECT_TRUE(cache_.Lookup(Key(), At(400)).for_all_types);
}

TEST_F(ResponseCacheStoreTest, AFreshAnswerIsUsedDespiteALaterNxDomain) {
  Store(Answer(), QType::kA, At(0));
  Store(Denial(Rcode::kNxDomain, QType::kAaaa), QType::kAaaa, At(10));
  EXPECT_FALSE(cache_.Lookup(Key(), At(20)).for_all_types);
}

TEST_F(ResponseCacheStoreTest, AnAnswerAndAnNxDomainReplaceEachOther) {
  Store(Denial());
  Store(Answer());
  EXPECT_EQ(StateOf(At(0), QType::kMx), State::kNothing);
  Store(Denial());
  EXPECT_TRUE(cache_.Lookup(Key(), At(0)).for_all_types);
  EXPECT_EQ(cache_.Stats().entries, 1u);
}

TEST_F(ResponseCacheStoreTest, AResponseThatIsNotStoredRemovesTheOlderEntry) {
  Store(Answer());
  const CacheEntryRef entry = Store(Answer(/*ttl=*/0));
  EXPECT_FALSE(entry->view().wire.empty());
  EXPECT_EQ(StateOf(At(0)), State::kNothing);
  EXPECT_EQ(cache_.Stats().entries, 0u);
}

TEST_F(ResponseCacheStoreTest, WithoutACacheResponsesAreStillReturned) {
  CacheOptions options;
  options.budget_bytes = 0;
  ResponseCache none(options, kTestSeed);
  const WireMessage response = Answer();
  const auto facts =
      InspectResponse(response, {*DomainName::FromText("www.example.com"), QType::kA, QClass::kIn});
  EXPECT_TRUE(none.Store(Key(), response, std::get<ResponseFacts>(facts), At(0)));
  EXPECT_FALSE(none.NoteFailure(Key(), {}, At(0)));
  EXPECT_FALSE(none.NoteSlowRefresh(Key(), At(0)));
  EXPECT_EQ(none.Lookup(Key(), At(0)).state, State::kNothing);
}

TEST_F(ResponseCacheStoreTest, RepeatedFailuresAreKeptForLongerEachTime) {
  MonoTime now = At(0);
  for (const int seconds : {1, 2, 4, 8}) {
    EXPECT_FALSE(cache_.NoteFailure(Key(), {ExtendedErrorCode::kInvalidData}, now));
    EXPECT_EQ(StateOf(now + Seconds{seconds} - Duration{1}), State::kFailure);
    EXPECT_EQ(cache_.Lookup(Key(), now).entry->extended_error, ExtendedErrorCode::kInvalidData);
    now += Seconds{seconds};
    EXPECT_EQ(StateOf(now), State::kNothing);
  }
  // An unreachable server neither continues nor ends the series.
  cache_.NoteFailure(Key(), {.grows = false}, now);
  EXPECT_EQ(StateOf(now + Seconds{1}), State::kNothing);
  now += Seconds{1};
  cache_.NoteFailure(Key(), {}, now);
  EXPECT_EQ(StateOf(now + Seconds{15}), State::kFailure);
  Store(Answer(0), QType::kA, now);
  cache_.NoteFailure(Key(), {}, now);
  EXPECT_EQ(StateOf(now + Seconds{1}), State::kNothing);
}

TEST_F(ResponseCacheStoreTest, AFailureIsOfTheNameIfOtherNamesAreAnsweredMeanwhile) {
  const auto note = [this](MonoTime now, MonoTime other_answered) {
    cache_.NoteFailure(Key(), {.zone = 7, .other_answered = other_answered}, now);
    const CacheEntryRef entry = cache_.Lookup(Key(), now).entry;
    EXPECT_EQ(entry->failed_zone(), 7u);
    EXPECT_EQ(entry->stored_at, now);
    return entry->is_of_name();
  };
  EXPECT_FALSE(note(At(10), At(9)));  // The first failure.
  EXPECT_FALSE(note(At(11), At(9)));  // An outage: no other name was answered since.
  EXPECT_TRUE(note(At(12), At(12) - Milliseconds(1)));
  EXPECT_FALSE(note(At(100), At(90)));  // There may be an outage again.
}

TEST_F(ResponseCacheStoreTest, AFailureIsForItsTypeDoAndCdOnly) {
  cache_.NoteFailure(Key(), {}, At(0));
  EXPECT_EQ(StateOf(At(0)), State::kFailure);
  EXPECT_EQ(StateOf(At(0), QType::kAaaa), State::kNothing);
  const Question question = {*DomainName::FromText("www.example.com"), QType::kA, QClass::kIn};
  for (const auto& [dnssec_ok, checking_disabled] : {std::pair(true, false), {false, true}}) {
    const CacheKey key(question, dnssec_ok, checking_disabled, kTestSeed);
    EXPECT_EQ(cache_.Lookup(key, At(0)).state, State::kNothing);
  }
}

TEST_F(ResponseCacheStoreTest, StaleDataAnswersInsteadOfAFailure) {
  const CacheEntryRef entry = Store(Answer());
  EXPECT_EQ(cache_.NoteFailure(Key(), {}, At(400)), entry);
  EXPECT_EQ(StateOf(At(400)), State::kStale);
  EXPECT_FALSE(cache_.Lookup(Key(), At(400)).refresh_due);
}

TEST_F(ResponseCacheStoreTest, AQueryThatMayNotRefreshLeavesTheRefreshToTheNext) {
  Store(Answer());
  cache_.NoteFailure(Key(), {}, At(301));
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(cache_.Lookup(Key(), At(331), /*may_refresh=*/false).refresh_due);
  }
  EXPECT_TRUE(cache_.Lookup(Key(), At(331)).refresh_due);
  EXPECT_FALSE(cache_.Lookup(Key(), At(332)).refresh_due);  // One refresh serves all.

  Store(Answer());
  for (int i = 0; i < 3; ++i) cache_.Lookup(Key(), At(1));
  EXPECT_FALSE(cache_.Lookup(Key(), At(299), /*may_refresh=*/false).refresh_due);
  EXPECT_TRUE(cache_.Lookup(Key(), At(299)).refresh_due);
}

TEST_F(ResponseCacheStoreTest, AFailedRefreshDelaysTheRefreshOfNoDataAndNxDomain) {
  Store(Denial(Rcode::kNoError), QType::kA, At(0));
  const CacheEntryRef denial = Store(Denial(Rcode::kNxDomain, QType::kAaaa), QType::kAaaa, At(10));
  EXPECT_EQ(cache_.NoteFailure(Key(), {}, At(110)), denial);
  for (const QType qtype : {QType::kA, QType::kAaaa}) {
    const Found found = cache_.Lookup(Key(qtype), At(111));
    EXPECT_TRUE(found.for_all_types);
    EXPECT_FALSE(found.refresh_due);
  }
}

TEST_F(ResponseCacheStoreTest, NoteFailureReturnsAFreshAnswerDespiteALaterNxDomain) {
  const CacheEntryRef answer = Store(Answer(), QType::kA, At(0));
  Store(Denial(Rcode::kNxDomain, QType::kAaaa), QType::kAaaa, At(10));
  for (const int seconds : {20, 100}) {  // The denial is fresh, and stale.
    EXPECT_EQ(cache_.Lookup(Key(), At(seconds)).entry, answer);
    EXPECT_EQ(cache_.NoteFailure(Key(), {}, At(seconds)), answer);
  }
}

TEST_F(ResponseCacheStoreTest, TheSameFailureOfSeveralWorkersCountsOnce) {
  for (int worker = 0; worker < 8; ++worker) cache_.NoteFailure(Key(), {}, At(0));
  EXPECT_EQ(StateOf(At(1)), State::kNothing);
  cache_.NoteFailure(Key(), {}, At(1));
  cache_.NoteFailure(Key(), {.grows = false},
                     At(1));  // A failure of another kind does not end it early.
  EXPECT_EQ(StateOf(At(2)), State::kFailure);
}

TEST_F(ResponseCacheStoreTest, AFailureDoesNotDelayTheRefreshOfNewerData) {
  Store(Answer(60), QType::kA, At(0));
  EXPECT_TRUE(cache_.NoteSlowRefresh(Key(), At(1)));
  EXPECT_TRUE(cache_.Lookup(Key(), At(61)).refresh_due);
}

TEST(ResponseCacheTest, FailuresOfAllKindsExpireAtTheirCap) {
  CacheOptions options;
  options.failure_ttl = Seconds{300};
  options.failure_max_ttl = Seconds{2};
  ResponseCache cache(options, kTestSeed);
  cache.NoteFailure(TestKey("a"), {.grows = false}, At(0));
  EXPECT_NE(cache.Lookup(TestKey("a"), At(2)).state, State::kFailure);
}

TEST(ResponseCacheTest, RepeatedQueriesForFailingNamesEvictNoPopularData) {
  CacheOptions options;
  options.budget_bytes = 1 << 20;
  options.tuning.shards = 1;
  ResponseCache cache(options, kTestSeed);
  for (int i = 0; i < 1000; ++i) {
    Put(cache, absl::StrCat("hot", i));
    Has(cache, absl::StrCat("hot", i));
  }
  for (int i = 0; i < 20000; ++i) {
    const CacheKey key = TestKey(absl::StrCat("bad", i));
    cache.NoteFailure(key, {}, At(0));
    for (int again = 0; again < 2; ++again) cache.Lookup(key, At(0));
  }
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(Has(cache, absl::StrCat("hot", i))) << i;
}

TEST_F(ResponseCacheStoreTest, AStaleNxDomainAnswersInsteadOfAFailureOfAnyType) {
  const CacheEntryRef entry = Store(Denial());
  EXPECT_EQ(cache_.NoteFailure(Key(QType::kMx), {}, At(100)), entry);
  const Found found = cache_.Lookup(Key(QType::kMx), At(100));
  EXPECT_EQ(found.state, State::kStale);
  EXPECT_FALSE(found.refresh_due);
}

TEST_F(ResponseCacheStoreTest, ASlowRefreshStoresNoFailure) {
  EXPECT_FALSE(cache_.NoteSlowRefresh(Key(), At(0)));
  EXPECT_EQ(StateOf(At(0)), State::kNothing);
  const CacheEntryRef entry = Store(Answer());
  EXPECT_EQ(cache_.NoteSlowRefresh(Key(), At(400)), entry);
  EXPECT_FALSE(cache_.Lookup(Key(), At(400)).refresh_due);
}

// Two workers on two shards that evict all the time, and a reader of the counters. ThreadSanitizer
// checks the locks; the test checks that a lookup never returns an entry of another name.
TEST(ResponseCacheTest, ConcurrentWorkersGetTheirOwnNames) {
  constexpr size_t kBudget = 1 << 15;
  constexpr int kNames = 500;
  CacheOptions options = OptionsOf(kBudget, 2);
  options.stale_max_age = Seconds{5};
  options.stale_recheck = Seconds{1};
  ResponseCache cache(options, kTestSeed);
  std::vector<CacheKey> keys;
  for (int i = 0; i < kNames; ++i) keys.push_back(TestKey(absl::StrCat("n", i)));
  const auto work = [&cache, &keys](uint32_t random) {
    int wrong = 0;
    for (int step = 0; step < 5000; ++step) {
      random = random * 1664525 + 1013904223;
      const CacheKey& key = keys[(random >> 16) % kNames];
      const MonoTime now = At(step / 100);
      const Found found = cache.Lookup(key, now);
      const CacheEntryRef& entry = found.entry;
      if (found.refresh_due && random % 2 == 0) {
        cache.NoteFailure(key, {}, now);
      } else if (entry == nullptr || found.refresh_due) {
        cache.Insert(key,
                     MakeCacheEntry(TestMessage(key, 40 + random % 200), EntryFacts{}, now,
                                    Seconds{1 + random % 8}),
                     now);
      } else if (entry->view().wire.subspan(kHeaderSize, key.question().size()) != key.question()) {
        ++wrong;
      }
      if (step % 64 == 0) cache.SweepExpired(now, 64);
      if (step % 16 == 0) cache.NoteFailure(keys[random % kNames], {}, now);
      if (step % 1000 == 999) cache.Clear();
      if (cache.Stats().bytes > kBudget) ++wrong;
    }
    return wrong;
  };
  int wrong_there = 0;
  std::thread other([&work, &wrong_there] { wrong_there = work(2); });
  const int wrong_here = work(1);
  other.join();
  EXPECT_EQ(wrong_here, 0);
  EXPECT_EQ(wrong_there, 0);
}

DomainName Name(const char* text) { return *DomainName::FromText(text); }

void PutName(ResponseCache& cache, const char* name) {
  const CacheKey key({Name(name), QType::kA, QClass::kIn}, false, false, kTestSeed);
  cache.Insert(key, TestEntry(key), At(0));
}

TEST(ResponseCacheTest, EraseRemovesASubtreeAndNothingElse) {
  ResponseCache cache(OptionsOf(1 << 20, 4), kTestSeed);
  constexpr uint64_t kNames = 1000;
  EXPECT_EQ(EntriesAfter(cache, kNames), kNames);
  for (const char* name : {"a.test", "b.a.test", "c.b.a.test", "xa.test", "test"}) {
    PutName(cache, name);
  }
  EXPECT_EQ(cache.Erase(Name("a.test"), QType::kNone, /*below=*/true), 3u);
  EXPECT_EQ(cache.Erase(Name("a.test"), QType::kNone, /*below=*/true), 0u);
  EXPECT_EQ(cache.Stats().entries, kNames + 2);
  EXPECT_EQ(cache.Erase(Name("victim.example"), QType::kNone, /*below=*/true), kNames);
  EXPECT_EQ(cache.Erase(Name("."), QType::kNone, /*below=*/true), 2u);
  EXPECT_EQ(cache.Stats().entries, 0u);
}

TEST(ResponseCacheTest, EraseRemovesOneNameOrOneType) {
  ResponseCache cache(OptionsOf(1 << 20, 4), kTestSeed);
  for (const char* name : {"a.test", "b.a.test"}) PutName(cache, name);
  EXPECT_EQ(cache.Erase(Name("a.test"), QType::kAaaa), 0u);
  EXPECT_EQ(cache.Erase(Name("a.test"), QType::kA), 1u);
  EXPECT_EQ(cache.Erase(Name("b.a.test"), QType::kNone), 1u);
  EXPECT_EQ(cache.Stats().entries, 0u);
}

TEST(ResponseCacheTest, PeekIsNoHit) {
  ResponseCache cache(OptionsOf(1 << 20), kTestSeed);
  EXPECT_FALSE(cache.Peek(TestKey("a")).entry);
  Put(cache, "a");
  EXPECT_EQ(cache.Peek(TestKey("a")).hits, 0);
  EXPECT_TRUE(Has(cache, "a"));
  EXPECT_EQ(cache.Peek(TestKey("a")).hits, 1);
  EXPECT_EQ(cache.Peek(TestKey("a")).hits, 1);
}

}  // namespace
}  // namespace dotcache
