// SPDX-License-Identifier: Apache-2.0
#include "local/local_records.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "dns/message_header.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/parsed_message.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

DomainName Name(absl::string_view text) { return *DomainName::FromText(text); }

class LocalRecordsTest : public testing::Test {
 protected:
  absl::Status Add(const std::string& text) { return builder_.Add(*ParseRecordText(text, 60)); }
  void Fill(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) ASSERT_TRUE(Add(text).ok()) << text;
    ASSERT_THAT(Errors(), IsEmpty());
    records_ = builder_.Build(60);
  }
  std::vector<std::string> Errors() const {
    std::vector<std::string> errors;
    builder_.Check(errors);
    return errors;
  }
  std::optional<StoredMessage> Ask(absl::string_view name, QType qtype) const {
    return records_->Answer({Name(name), qtype, QClass::kIn});
  }
  ParsedMessage Answer(absl::string_view name, QType qtype = QType::kA) const {
    const std::optional<StoredMessage> message = Ask(name, qtype);
    EXPECT_TRUE(message.has_value()) << name;
    return message.has_value() ? ParsedMessage::Parse(message->wire) : ParsedMessage();
  }

  LocalRecords::Builder builder_;
  std::unique_ptr<const LocalRecords> records_;
};

std::string SoaOf(absl::string_view zone) {
  return absl::StrCat(zone, ". 60 IN SOA ", zone, ". nobody.invalid. 1 3600 1200 604800 60");
}

TEST_F(LocalRecordsTest, RrsetsKeepTheConfiguredOrder) {
  Fill({"host.corp.example. 300 A 10.0.0.8", "host.corp.example. 300 A 10.0.0.7",
        "HOST.corp.example. AAAA fd00::7", "host.corp.example. MX 10 mail.corp.example."});
  EXPECT_THAT(
      Answer("host.corp.example").answer,
      ElementsAre("host.corp.example. 300 IN A 10.0.0.8", "host.corp.example. 300 IN A 10.0.0.7"));
  EXPECT_THAT(Answer("host.corp.example", QType::kAaaa).answer,
              ElementsAre("host.corp.example. 60 IN AAAA fd00::7"));
  EXPECT_EQ(Answer("host.corp.example").rcode, Rcode::kNoError);
  EXPECT_EQ(records_->record_count(), 4u);
}

TEST_F(LocalRecordsTest, OtherTypesGetNoDataWithAnSoa) {
  Fill({"host.corp.example. A 10.0.0.7"});
  for (const QType type : {QType::kAaaa, QType::kHttps, QType::kDs, QType::kNs}) {
    const ParsedMessage message = Answer("host.corp.example", type);
    EXPECT_EQ(message.rcode, Rcode::kNoError);
    EXPECT_THAT(message.answer, IsEmpty());
    EXPECT_THAT(message.authority, ElementsAre(SoaOf("host.corp.example")));
  }
}

TEST_F(LocalRecordsTest, OnlyTheConfiguredNameIsAnswered) {
  Fill({"host.corp.example. A 10.0.0.7"});
  for (const char* name : {"corp.example", "a.host.corp.example", "host2.corp.example", "."}) {
    EXPECT_FALSE(Ask(name, QType::kA).has_value()) << name;
  }
}

TEST_F(LocalRecordsTest, AnyGetsOneRrset) {
  Fill({"host.corp.example. TXT x", "host.corp.example. A 10.0.0.7"});
  EXPECT_THAT(Answer("host.corp.example", QType::kAny).answer,
              ElementsAre("host.corp.example. 60 IN TXT \"x\""));
}

TEST_F(LocalRecordsTest, CnameIsFollowed) {
  Fill({"www.corp.example. 300 CNAME Web.corp.example.",
        "web.corp.example. CNAME host.corp.example.", "host.corp.example. A 10.0.0.7",
        "host.corp.example. A 10.0.0.8"});
  EXPECT_THAT(
      Answer("www.corp.example").answer,
      ElementsAre("www.corp.example. 300 IN CNAME Web.corp.example.",
                  "Web.corp.example. 60 IN CNAME host.corp.example.",
                  "host.corp.example. 60 IN A 10.0.0.7", "host.corp.example. 60 IN A 10.0.0.8"));
  EXPECT_THAT(Answer("www.corp.example", QType::kCname).answer,
              ElementsAre("www.corp.example. 300 IN CNAME Web.corp.example."));
  const ParsedMessage none = Answer("www.corp.example", QType::kAaaa);
  EXPECT_EQ(none.rcode, Rcode::kNoError);
  EXPECT_EQ(none.answer.size(), 2u);
  EXPECT_THAT(none.authority, ElementsAre(SoaOf("host.corp.example")));
}

// RFC 1034 section 3.6.2: a CNAME may lead to any name.
TEST_F(LocalRecordsTest, CnameThatLeadsElsewhereIsOpen) {
  Fill({"a.example. CNAME b.example.", "b.example. CNAME elsewhere.example.",
        "c.example. A 10.0.0.7"});
  EXPECT_TRUE(records_->has_open_aliases());
  bool open = false;
  const auto answer = records_->Answer({Name("a.example"), QType::kAaaa}, &open);
  EXPECT_TRUE(open);
  EXPECT_THAT(ParsedMessage::Parse(answer->wire).answer,
              ElementsAre("a.example. 60 IN CNAME b.example.",
                          "b.example. 60 IN CNAME elsewhere.example."));
  EXPECT_THAT(ParsedMessage::Parse(answer->wire).authority, IsEmpty());
  for (const auto& [name, qtype] : {std::pair("c.example", QType::kA),
                                    {"c.example", QType::kMx},
                                    {"a.example", QType::kCname},
                                    {"a.example", QType::kAny}}) {
    ASSERT_TRUE(records_->Answer({Name(name), qtype}, &open).has_value());
    EXPECT_FALSE(open) << name;
  }
}

TEST_F(LocalRecordsTest, CnameFaultsAreErrors) {
  ASSERT_TRUE(Add("b.example. CNAME c.example.").ok());
  ASSERT_TRUE(Add("c.example. CNAME b.example.").ok());
  ASSERT_TRUE(Add("d.example. CNAME e.example.").ok());
  ASSERT_TRUE(Add("d.example. A 10.0.0.7").ok());
  ASSERT_TRUE(Add("f.example. CNAME d.example.").ok());
  ASSERT_TRUE(Add("g.example. CNAME d.example.").ok());
  ASSERT_TRUE(Add("g.example. CNAME f.example.").ok());
  EXPECT_THAT(Errors(),
              testing::IsSupersetOf({HasSubstr("b.example. is a CNAME in a loop"),
                                     HasSubstr("c.example. is a CNAME in a loop"),
                                     HasSubstr("d.example. has a CNAME and other records"),
                                     HasSubstr("g.example. has a CNAME and other records")}));
}

TEST_F(LocalRecordsTest, CnameChainsHaveALimit) {
  const auto link = [](int i) {
    return absl::StrCat("n", i, ".example. CNAME n", i + 1, ".example.");
  };
  ASSERT_TRUE(Add("n16.example. A 10.0.0.7").ok());
  for (int i = 1; i < 16; ++i) ASSERT_TRUE(Add(link(i)).ok());
  EXPECT_THAT(Errors(), IsEmpty());
  ASSERT_TRUE(Add(link(0)).ok());
  EXPECT_THAT(Errors(), ElementsAre(HasSubstr("n0.example. is a CNAME in a loop, or in a chain")));
}

TEST_F(LocalRecordsTest, DuplicatesAreIgnoredAndAnRrsetGetsItsLowestTtl) {
  Fill({"host.example. 300 A 10.0.0.7", "host.example. 100 A 10.0.0.7",
        "host.example. 200 A 10.0.0.8"});
  EXPECT_THAT(Answer("host.example").answer,
              ElementsAre("host.example. 100 IN A 10.0.0.7", "host.example. 100 IN A 10.0.0.8"));
}

TEST_F(LocalRecordsTest, RejectsAnRrsetTooLargeForAMessage) {
  absl::Status status;
  int taken = 0;
  for (; taken < 100000 && status.ok(); ++taken) {
    status = Add(
        absl::StrCat("big.example. A 10.", taken >> 16, ".", (taken >> 8) & 255, ".", taken & 255));
  }
  EXPECT_THAT(std::string(status.message()), HasSubstr("too many A records at big.example."));
  EXPECT_EQ(taken, 48 * 1024 / 16 + 1);
  // The largest RRset still fits at the end of the longest chain of the longest names.
  const std::string tail = absl::StrCat(".", std::string(63, 'x'), ".", std::string(63, 'y'), ".",
                                        std::string(59, 'z'), ".");
  const auto owner = [&](int i) { return absl::StrCat(std::string(60, 'n'), i + 10, tail); };
  for (int i = 0; i < 15; ++i) {
    ASSERT_TRUE(Add(absl::StrCat(owner(i), " CNAME ", owner(i + 1))).ok());
  }
  ASSERT_TRUE(Add(absl::StrCat(owner(15), " CNAME big.example.")).ok());
  records_ = builder_.Build(60);
  const StoredMessage message = *Ask(owner(0), QType::kA);
  EXPECT_LT(message.wire.size(), kMaxMessageSize);
  EXPECT_EQ(ParsedMessage::Parse(message.wire).answer.size(), 16u + 3072u);
}

TEST_F(LocalRecordsTest, MessageCanBeUsedForReplies) {
  Fill({"host.example. 300 A 10.0.0.7", "alias.example. CNAME host.example."});
  const StoredMessage message = *Ask("alias.example", QType::kA);
  ASSERT_EQ(message.ttl_offsets.size(), 2u);
  EXPECT_EQ(LoadU32(&message.wire[message.ttl_offsets[1]]), 300u);
  EXPECT_EQ(LoadU16(&message.wire[kHeaderSize + 15 + 4]), 0xc00c);
  EXPECT_EQ(LoadHeader(message.wire).flags, kFlagQr | kFlagRa);
}

}  // namespace
}  // namespace dotcache
