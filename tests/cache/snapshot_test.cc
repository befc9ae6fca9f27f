// SPDX-License-Identifier: Apache-2.0
#include "cache/snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/snapshot_format.h"
#include "dns/domain_name.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

constexpr HashSeed kOneSeed{1, 2};
constexpr HashSeed kOtherSeed{3, 4};
constexpr int64_t kWritten = 1'700'000'000;
constexpr Seconds kMaxAge{3600};

MonoTime At(int64_t seconds) { return MonoTime{Seconds{seconds}}; }

Question QuestionFor(const std::string& name, QType type = QType::kA) {
  return {*DomainName::FromText(name), type, QClass::kIn};
}

uint32_t OneZone(const Question&) { return 7; }

// A cache, and the octets of its snapshot.
class SnapshotTest : public testing::Test {
 protected:
  static CacheOptions Options() {
    CacheOptions options;
    options.budget_bytes = 1 << 20;
    return options;
  }

  static CacheKey KeyFor(ResponseCache& cache, const Question& question, bool dnssec_ok = false) {
    return {question, dnssec_ok, false, cache.seed()};
  }

  void Store(const Question& question, const WireMessage& response, MonoTime now,
             bool dnssec_ok = false) {
    const auto facts = InspectResponse(response, question);
    ASSERT_TRUE(std::holds_alternative<ResponseFacts>(facts));
    before_.Store(KeyFor(before_, question, dnssec_ok), response, std::get<ResponseFacts>(facts),
                  now);
  }

  void StoreAddress(const std::string& name, uint32_t ttl, MonoTime now) {
    Store(QuestionFor(name), MakeResponse(name, QType::kA, {ARecord(name, ttl, "192.0.2.1")}), now);
  }

  uint64_t Write(MonoTime now) {
    file_.clear();
    const auto entries =
        WriteSnapshot(before_, {now, kWritten, zone_of_, zones_}, [this](Bytes octets) {
          file_.insert(file_.end(), octets.begin(), octets.end());
          return absl::OkStatus();
        });
    EXPECT_TRUE(entries.ok());
    return entries.value_or(0);
  }

  // Reads the file so many seconds later by the calendar.
  absl::StatusOr<SnapshotCounts> ReadAfter(int64_t seconds, MonoTime now) {
    size_t position = 0;
    const auto source = [&](MutableBytes octets) -> absl::Status {
      if (octets.size() > file_.size() - position) return absl::DataLossError("it is not complete");
      std::copy_n(file_.begin() + position, octets.size(), octets.begin());
      position += octets.size();
      return absl::OkStatus();
    };
    return ReadSnapshot(after_, {now, kWritten + seconds, zone_of_, zones_}, kMaxAge, source);
  }

  Found Lookup(const Question& question, MonoTime now, bool dnssec_ok = false) {
    return after_.Lookup(KeyFor(after_, question, dnssec_ok), now);
  }

  ResponseCache before_{Options(), kOneSeed};
  ResponseCache after_{Options(), kOtherSeed};
  uint32_t (*zone_of_)(const Question&) = OneZone;
  uint64_t zones_ = 9;
  std::vector<uint8_t> file_;
};

TEST_F(SnapshotTest, EveryEntryIsAHitAfterTheRestart) {
  for (int i = 0; i < 2000; ++i) StoreAddress(absl::StrCat("n", i, ".example"), 300, At(100));
  EXPECT_EQ(Write(At(150)), 2000u);
  const auto counts = ReadAfter(20, At(5));
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->entries, 2000u);
  for (int i = 0; i < 2000; ++i) {
    const Found found = Lookup(QuestionFor(absl::StrCat("n", i, ".example")), At(5));
    ASSERT_EQ(found.state, Found::State::kFresh) << i;
    // 50 s before the snapshot and 20 s after it.
    EXPECT_EQ(found.entry->AgeAt(At(5)), Seconds{70});
  }
}

TEST_F(SnapshotTest, AnEntryExpiresAtTheTimeAtWhichItWouldHaveExpired) {
  StoreAddress("a.example", 100, At(100));
  Write(At(160));
  ASSERT_TRUE(ReadAfter(30, At(1000)).ok());
  EXPECT_EQ(Lookup(QuestionFor("a.example"), At(1009)).state, Found::State::kFresh);
  EXPECT_EQ(Lookup(QuestionFor("a.example"), At(1010)).state, Found::State::kStale);
}

TEST_F(SnapshotTest, StaleEntriesKeepTheTimeForWhichTheyAreUsed) {
  StoreAddress("a.example", 100, At(0));
  Write(At(500));
  ASSERT_TRUE(ReadAfter(100, At(0)).ok());
  // Stored 600 s ago, so used for 100 s + 86400 s - 600 s more.
  EXPECT_EQ(Lookup(QuestionFor("a.example"), At(85899)).state, Found::State::kStale);
  EXPECT_FALSE(Lookup(QuestionFor("a.example"), At(85900)).entry);
}

TEST_F(SnapshotTest, WithoutStaleDataExpiredEntriesAreLeftOut) {
  CacheOptions options = Options();
  options.stale_max_age = Seconds{0};
  ResponseCache strict(options, kOneSeed);
  StoreAddress("a.example", 100, At(0));
  StoreAddress("b.example", 300, At(0));
  EXPECT_EQ(Write(At(50)), 2u);
  size_t position = 0;
  const auto counts = ReadSnapshot(
      strict, {At(0), kWritten + 60, zone_of_, zones_}, kMaxAge, [&](MutableBytes octets) {
        std::copy_n(file_.begin() + position, octets.size(), octets.begin());
        position += octets.size();
        return absl::OkStatus();
      });
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->entries, 1u);
  EXPECT_EQ(counts->expired, 1u);
}

TEST_F(SnapshotTest, DenialsForAllTypesStayDenialsForAllTypes) {
  const Question question = QuestionFor("no.example");
  Store(question,
        MakeNegativeResponse("no.example", QType::kA, Rcode::kNxDomain,
                             SoaRecord("example", 300, 300)),
        At(0));
  Write(At(0));
  ASSERT_TRUE(ReadAfter(0, At(0)).ok());
  const Found found = Lookup(QuestionFor("no.example", QType::kTxt), At(0));
  EXPECT_EQ(found.state, Found::State::kFresh);
  EXPECT_TRUE(found.for_all_types);
  EXPECT_EQ(found.entry->denied_type(), QType::kA);
  // Data of the name still limits the denial to its type.
  const WireMessage text = MakeResponse(
      "no.example", QType::kTxt,
      {{.owner = "no.example", .type = QType::kTxt, .ttl = 60, .rdata = TxtRdata({"x"})}});
  const Question text_question = QuestionFor("no.example", QType::kTxt);
  const auto facts = InspectResponse(text, text_question);
  after_.Store(KeyFor(after_, text_question), text, std::get<ResponseFacts>(facts), At(0));
  EXPECT_FALSE(Lookup(QuestionFor("no.example", QType::kMx), At(0)).entry);
}

TEST_F(SnapshotTest, DataBeforeTheRestartLimitsADenialAfterIt) {
  const WireMessage text = MakeResponse(
      "a.example", QType::kTxt,
      {{.owner = "a.example", .type = QType::kTxt, .ttl = 60, .rdata = TxtRdata({"x"})}});
  Store(QuestionFor("a.example", QType::kTxt), text, At(0));
  Write(At(0));
  ASSERT_TRUE(ReadAfter(0, At(0)).ok());
  const Question question = QuestionFor("a.example");
  const WireMessage denial = MakeNegativeResponse("a.example", QType::kA, Rcode::kNxDomain,
                                                  SoaRecord("example", 300, 300));
  const auto facts = InspectResponse(denial, question);
  after_.Store(KeyFor(after_, question), denial, std::get<ResponseFacts>(facts), At(1));
  EXPECT_FALSE(Lookup(QuestionFor("a.example", QType::kMx), At(1)).entry);
}

TEST_F(SnapshotTest, DnssecOkAndTheExtendedErrorStay) {
  const Question question = QuestionFor("a.example");
  WireMessage response = MessageBuilder()
                             .Response()
                             .Question("a.example", QType::kA)
                             .Answer(ARecord("a.example", 60, "192.0.2.1"))
                             .Opt({.options = {{15, {0, 3, 'o', 'l', 'd'}}}})
                             .Build();
  Store(question, response, At(0), /*dnssec_ok=*/true);
  Write(At(0));
  ASSERT_TRUE(ReadAfter(0, At(0)).ok());
  EXPECT_FALSE(Lookup(question, At(0)).entry);
  const Found found = Lookup(question, At(0), /*dnssec_ok=*/true);
  ASSERT_TRUE(found.entry);
  ASSERT_TRUE(found.entry->upstream_error().has_value());
  EXPECT_EQ(found.entry->upstream_error()->text, "old");
}

TEST_F(SnapshotTest, FailuresAreLeftOut) {
  before_.NoteFailure(KeyFor(before_, QuestionFor("a.example")), {}, At(0));
  EXPECT_EQ(before_.Stats().entries, 1u);
  EXPECT_EQ(Write(At(0)), 0u);
}

TEST_F(SnapshotTest, EntriesOfZonesThatChangedAreLeftOut) {
  StoreAddress("a.corp.example", 300, At(0));
  StoreAddress("b.example", 300, At(0));
  Store(QuestionFor("c.example"),
        MakeResponse("c.example", QType::kA,
                     {CnameRecord("c.example", 300, "a.corp.example"),
                      ARecord("a.corp.example", 300, "192.0.2.1")}),
        At(0));
  Write(At(0));
  zone_of_ = [](const Question& question) -> uint32_t {
    return question.qname.IsAtOrBelow(*DomainName::FromText("corp.example")) ? 8 : 7;
  };
  zones_ = 10;
  const auto counts = ReadAfter(0, At(0));
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->entries, 1u);
  EXPECT_EQ(counts->other_zones, 2u);  // Also the alias, which may lead into the zone.
  EXPECT_TRUE(Lookup(QuestionFor("b.example"), At(0)).entry);
}

TEST_F(SnapshotTest, TheLimitsOfTtlsAreThoseOfTheNewCache) {
  CacheOptions options = Options();
  options.ttl_caps.positive = Seconds{60};
  ResponseCache capped(options, kOneSeed);
  StoreAddress("a.example", 300, At(0));
  Write(At(0));
  size_t position = 0;
  ASSERT_TRUE(
      ReadSnapshot(capped, {At(0), kWritten, zone_of_, zones_}, kMaxAge, [&](MutableBytes octets) {
        std::copy_n(file_.begin() + position, octets.size(), octets.begin());
        position += octets.size();
        return absl::OkStatus();
      }).ok());
  EXPECT_EQ(capped.Lookup(KeyFor(capped, QuestionFor("a.example")), At(0)).entry->fresh_for(),
            Seconds{60});
}

TEST_F(SnapshotTest, NamesWithHitsAreStillProtected) {
  StoreAddress("hot.example", 300, At(0));
  before_.Lookup(KeyFor(before_, QuestionFor("hot.example")), At(0));
  Write(At(0));
  ASSERT_TRUE(ReadAfter(0, At(0)).ok());
  const int names = 20000;  // Many more than fit.
  for (int i = 0; i < names; ++i) {
    const std::string name = absl::StrCat("n", i, ".example");
    const Question question = QuestionFor(name);
    const WireMessage response = MakeResponse(name, QType::kA, {ARecord(name, 300, "192.0.2.1")});
    const auto facts = InspectResponse(response, question);
    after_.Store(KeyFor(after_, question), response, std::get<ResponseFacts>(facts), At(1));
  }
  EXPECT_EQ(Lookup(QuestionFor("hot.example"), At(2)).state, Found::State::kFresh);
}

TEST_F(SnapshotTest, OldAndFutureFilesAreRefused) {
  StoreAddress("a.example", 300, At(0));
  Write(At(0));
  EXPECT_TRUE(ReadAfter(3600, At(0)).ok());
  EXPECT_FALSE(ReadAfter(3601, At(0)).ok());
  EXPECT_FALSE(ReadAfter(-1, At(0)).ok());
  EXPECT_EQ(after_.Stats().entries, 0u);
}

TEST_F(SnapshotTest, ForeignFilesAndOtherVersionsAreRefusedByName) {
  StoreAddress("a.example", 300, At(0));
  Write(At(0));
  file_[11] = 2;
  EXPECT_EQ(ReadAfter(0, At(0)).status().message(),
            "its version is 2, and this program reads version 1");
  file_[0] = 'X';
  EXPECT_EQ(ReadAfter(0, At(0)).status().message(), "it is no snapshot of dotcache");
}

TEST_F(SnapshotTest, EveryTruncationIsRefused) {
  for (int i = 0; i < 3; ++i) StoreAddress(absl::StrCat("n", i, ".example"), 300, At(0));
  Write(At(0));
  const std::vector<uint8_t> whole = file_;
  for (size_t size = 0; size < whole.size(); ++size) {
    file_.assign(whole.begin(), whole.begin() + size);
    EXPECT_FALSE(ReadAfter(0, At(0)).ok()) << size;
    EXPECT_EQ(after_.Stats().entries, 0u) << size;
  }
}

TEST_F(SnapshotTest, EveryChangedOctetIsRefused) {
  for (int i = 0; i < 3; ++i) StoreAddress(absl::StrCat("n", i, ".example"), 300, At(0));
  Write(At(0));
  for (size_t i = 0; i < file_.size(); ++i) {
    file_[i] ^= 0x10;
    EXPECT_FALSE(ReadAfter(0, At(0)).ok()) << i;
    file_[i] ^= 0x10;
  }
  EXPECT_TRUE(ReadAfter(0, At(0)).ok());
}

TEST_F(SnapshotTest, OneInvalidMessageRefusesTheFile) {
  for (const uint16_t count : {uint16_t{1}, uint16_t{2}}) {
    const WireMessage message = MessageBuilder()
                                    .Id(0)
                                    .Response()
                                    .Question("a.example", QType::kA)
                                    .Answer(ARecord("a.example", 60, "192.0.2.1"))
                                    .Ancount(count)
                                    .Build();
    const SnapshotHeader header{kWritten, zones_};
    file_ = FormatSnapshotHeader(header);
    for (uint64_t number = 0; number < 2; ++number) {
      std::vector<uint8_t> block(kBlockHeadSize);
      if (number == 0) {
        AppendSavedEntry(block, {.zone = 7, .fresh_for = Seconds{60}, .wire = message});
      }
      StoreU32(block.data(), static_cast<uint32_t>(block.size() - kBlockHeadSize));
      StoreU32(block.data() + 4, 1);
      const uint64_t sum = BlockSum(header, number, block);
      block.resize(block.size() + kBlockSumSize);
      StoreU32(&block[block.size() - 8], static_cast<uint32_t>(sum >> 32));
      StoreU32(&block[block.size() - 4], static_cast<uint32_t>(sum));
      file_.insert(file_.end(), block.begin(), block.end());
    }
    EXPECT_EQ(ReadAfter(0, At(0)).ok(), count == 1) << count;
    EXPECT_EQ(after_.Stats().entries, count == 1 ? 1u : 0u);
  }
}

}  // namespace
}  // namespace dotcache
