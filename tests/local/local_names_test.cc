// SPDX-License-Identifier: Apache-2.0
#include "local/local_names.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/parsed_message.h"

namespace dotcache {
namespace {

using testing::ElementsAre;

Question QuestionFor(absl::string_view name) {
  return {*DomainName::FromText(name), QType::kA, QClass::kIn};
}

std::unique_ptr<const LocalRecords> Printer() {
  LocalRecords::Builder builder;
  EXPECT_TRUE(builder.Add(*ParseRecordText("printer.home.arpa. A 192.168.1.7", 60)).ok());
  return builder.Build(60);
}
std::unique_ptr<const LocalZones> Zones() {
  return std::make_unique<LocalZones>(absl::Span<const DomainName>());
}

TEST(LocalNamesTest, LocalRecordsTakePrecedenceOverZones) {
  const LocalNames names(Printer(), Zones());
  const auto printer = names.Answer(QuestionFor("printer.home.arpa"));
  ASSERT_TRUE(printer.has_value());
  EXPECT_TRUE(printer->from_records);
  EXPECT_THAT(ParsedMessage::Parse(printer->message.wire).answer,
              ElementsAre("printer.home.arpa. 60 IN A 192.168.1.7"));
  const auto other = names.Answer(QuestionFor("other.home.arpa"));
  ASSERT_TRUE(other.has_value());
  EXPECT_FALSE(other->from_records);
  EXPECT_EQ(ParsedMessage::Parse(other->message.wire).rcode, Rcode::kNxDomain);
  EXPECT_FALSE(names.Answer(QuestionFor("www.example.com")).has_value());
}

TEST(LocalNamesTest, ANameOfAHostsFileExistsInItsSpecialUseZone) {
  LocalRecords::Builder builder;
  const auto record = *ParseRecordText("printer.home.arpa. A 192.168.1.7", 60);
  EXPECT_TRUE(builder.Add(record, RecordSource::kHostsFile).ok());
  const LocalNames names(builder.Build(60), Zones());
  const auto rcode_of = [&names](absl::string_view name) {
    const auto answered = names.Answer({*DomainName::FromText(name), QType::kMx, QClass::kIn});
    return answered.has_value() ? ParsedMessage::Parse(answered->message.wire).rcode
                                : Rcode::kServFail;
  };
  EXPECT_EQ(rcode_of("printer.home.arpa"), Rcode::kNoError);
  EXPECT_EQ(rcode_of("other.home.arpa"), Rcode::kNxDomain);
}

TEST(LocalNamesTest, RecordsOrZonesMayBeNull) {
  EXPECT_FALSE(LocalNames(Printer(), nullptr).Answer(QuestionFor("a.home.arpa")).has_value());
  EXPECT_TRUE(LocalNames(nullptr, Zones()).Answer(QuestionFor("a.home.arpa")).has_value());
  EXPECT_FALSE(LocalNames(nullptr, nullptr).Answer(QuestionFor("a.home.arpa")).has_value());
}

}  // namespace
}  // namespace dotcache
