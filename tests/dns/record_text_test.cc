// SPDX-License-Identifier: Apache-2.0
#include "dns/record_text.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// "OWNER TTL TYPE RDATA-octets", or the error.
std::string Parsed(const std::string& text) {
  const auto record = ParseRecordText(text, 60);
  if (!record.ok()) return absl::StrCat("error: ", record.status().message());
  return absl::StrCat(record->owner.ToString(), " ", record->ttl, " ",
                      static_cast<int>(record->type), " ", record->rdata.size());
}

TEST(RecordTextTest, TtlAndClassAreOptional) {
  for (const char* text :
       {"printer.corp.example. 60 IN A 10.0.0.7", "printer.corp.example IN A 10.0.0.7",
        "printer.corp.example. A 10.0.0.7", "  printer.corp.example\t60  A\t10.0.0.7 ",
        "printer.corp.example. 1m in a 10.0.0.7"}) {
    EXPECT_EQ(Parsed(text), "printer.corp.example. 60 1 4") << text;
  }
  EXPECT_EQ(Parsed("p. 1h30m A 10.0.0.7"), "p. 5400 1 4");
  EXPECT_EQ(Parsed("p. 0 A 10.0.0.7"), "p. 0 1 4");
  EXPECT_EQ(ParseRecordText("p. A 10.0.0.7", 60)->rdata, ARdata("10.0.0.7"));
}

TEST(RecordTextTest, OwnersKeepTheirSpelling) {
  EXPECT_EQ(Parsed("Printer.Corp.Example. A 10.0.0.7"), "Printer.Corp.Example. 60 1 4");
  EXPECT_EQ(Parsed("a\\.b.example. A 10.0.0.7"), "a\\.b.example. 60 1 4");
}

TEST(RecordTextTest, EverySupportedTypeIsParsed) {
  for (const char* text :
       {"p. AAAA fd00::7", "p. CNAME q.example.", "7.0.0.10.in-addr.arpa. PTR p.example.",
        "p. MX 10 mail.example.", "p. TXT \"one; two\" three \"(four)\"",
        "_x._tcp.p. SRV 0 5 65535 t.example.",
        "p. NAPTR 100 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.p.",
        "p. SSHFP 4 2 4A2B0D3D51D4B1B1F0C8E6D2B7E1F0A90F1E2D3C4B5A69788796A5B4C3D2E1F0",
        "_443._tcp.p. TLSA 3 1 1 0C72AC70B745AC19998811B131D662C9AC69DBDBE7CB23E5B514B56664C5D3D6",
        "_dns.p. SVCB 1 q.example. alpn=dot port=853", "p. HTTPS 1 . alpn=h2,h3 ipv4hint=10.0.0.7",
        "p. URI 10 1 \"https://p.example/\"", "p. CAA 0 issue \"ca.example\""}) {
    EXPECT_THAT(Parsed(text), testing::Not(StartsWith("error"))) << text;
  }
  EXPECT_EQ(ParseRecordText("p. MX 10 mail.example", 60)->rdata, MxRdata(10, "mail.example"));
  EXPECT_EQ(ParseRecordText("p. TXT \"a b\" c", 60)->rdata, TxtRdata({"a b", "c"}));
}

TEST(RecordTextTest, TypesThatNeedAZoneAreRejected) {
  for (const char* text :
       {"p. NS ns.example.", "p. SOA a. b. 1 2 3 4 5", "p. DNAME q.", "p. DS 1 8 2 00",
        "p. RRSIG A 8 1 60 20300101000000 20200101000000 1 p. AAAA", "p. TYPE65280 \\# 1 00",
        "p. ANY x", "p. FOO x", "$TTL 60", "$INCLUDE /etc/passwd"}) {
    EXPECT_THAT(Parsed(text), StartsWith("error")) << text;
  }
  EXPECT_THAT(Parsed("p. NS ns.example."),
              HasSubstr("\"NS\" is not a supported type of local records "
                        "(A, AAAA, CNAME"));
}

// Expects that each text is rejected with an error that contains these words.
void ExpectErrors(const std::vector<std::pair<std::string, std::string>>& cases) {
  for (const auto& [text, words] : cases) {
    EXPECT_THAT(Parsed(text), AllOf(StartsWith("error: "), HasSubstr(words))) << text;
  }
}

TEST(RecordTextTest, NumbersMustFitTheirFields) {
  ExpectErrors({{"p. MX 65536 m.", "\"65536\" is not a number from 0 to 65535"},
                {"p. SRV 0 5 70000 t.", "\"70000\" is not a number"},
                {"p. CAA 300 issue \"x\"", "from 0 to 255"},
                {"p. TLSA 3 1 300 00", "from 0 to 255"},
                {"p. HTTPS 99999 .", "from 0 to 65535"},
                {"p. HTTPS 1 . port=99999", "\"99999\" is not a port"},
                {"p. 2147483648 A 10.0.0.7", "the maximum TTL"},
                {"p. 99999999999999999999 A 10.0.0.7", "the maximum TTL"},
                {"p. 5x A 10.0.0.7", "\"5x\" is not a TTL"}});
}

TEST(RecordTextTest, ErrorsQuoteTheText) {
  ExpectErrors({{"", "is not a record such as printer.corp.example. 300 IN A"},
                {"p.", "\"p.\" is not a record"},
                {"p. A", "is not a record"},
                {"p. A 10.0.0.256", "\"p. A 10.0.0.256\" is not a record"},
                {"p. A 10.0.0.7 10.0.0.8", "superfluous"},
                {"p. CH A 10.0.0.7", "\"CH\" is not a supported type"},
                {"p. AAAA fe80::1%eth0", "is not a record"},
                {"p. TXT \"open", "without a closing quote"},
                {"p. A 10.0.0.7 ; a comment", "a comment; write one record"},
                {"p. A (10.0.0.7)", "parenthesis"},
                {"p. A 10.0.0.7\nq. A 10.0.0.8", "control character"},
                {"p..q. A 10.0.0.7", "error"},
                {std::string(64, 'x') + ". A 10.0.0.7", "error"},
                {"p. TXT \"" + std::string(256, 'x') + "\"", "error"}});
}

TEST(RecordTextTest, WildcardsAndTheRootAreRejected) {
  ExpectErrors({{"*.corp.example. A 10.0.0.7", "is a wildcard"},
                {"* A 10.0.0.7", "is a wildcard"},
                {". A 10.0.0.7", "the root"},
                {"@ A 10.0.0.7", "the root"}});
  EXPECT_THAT(Parsed("*a.corp.example. A 10.0.0.7"), StartsWith("*a.corp"));
}

}  // namespace
}  // namespace dotcache
