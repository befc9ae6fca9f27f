// SPDX-License-Identifier: Apache-2.0
#include "local/hosts_file.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::HasSubstr;

// "ADDRESS NAME NAME", "nothing", or the error.
std::string Parsed(absl::string_view line) {
  const auto parsed = ParseHostsLine(line);
  if (!parsed.ok()) return absl::StrCat("error: ", parsed.status().message());
  if (!parsed->address.has_value()) return "nothing";
  std::string text = parsed->address->AddressToString();
  for (const DomainName& name : parsed->names) absl::StrAppend(&text, " ", name.ToString());
  return text;
}

TEST(HostsFileTest, ReadsAnAddressAndItsNames) {
  EXPECT_EQ(Parsed("127.0.0.1 localhost"), "127.0.0.1 localhost.");
  EXPECT_EQ(Parsed("10.0.0.7\tprinter.corp.example printer  lp"),
            "10.0.0.7 printer.corp.example. printer. lp.");
  EXPECT_EQ(Parsed("::1 ip6-localhost ip6-loopback"), "::1 ip6-localhost. ip6-loopback.");
  EXPECT_EQ(Parsed("  10.0.0.7  a.example.  "), "10.0.0.7 a.example.");
  EXPECT_EQ(Parsed("10.0.0.7 Host_1.Example"), "10.0.0.7 Host_1.Example.");
}

TEST(HostsFileTest, EmptyLinesAndCommentsGiveNoRecord) {
  for (absl::string_view line : {"", "   ", "\r", "# a comment", "  # 10.0.0.7 a"}) {
    EXPECT_EQ(Parsed(line), "nothing") << line;
  }
  EXPECT_EQ(Parsed("10.0.0.7 a # b c"), "10.0.0.7 a.");
  EXPECT_EQ(Parsed("10.0.0.7 a#b"), "10.0.0.7 a.");
  EXPECT_EQ(Parsed("10.0.0.7 a\r"), "10.0.0.7 a.");
}

TEST(HostsFileTest, AddressWithAScopeGivesNoRecord) {
  EXPECT_EQ(Parsed("fe80::1%lo0 localhost"), "nothing");
  EXPECT_THAT(Parsed("fe80::1%lo0"), HasSubstr("has no name"));
  EXPECT_THAT(Parsed("fe80::x%lo0 a"), HasSubstr("is not an IP address"));
}

TEST(HostsFileTest, ErrorsNameTheFault) {
  const std::vector<std::pair<std::string, std::string>> errors_by_line = {
      {"10.0.0.256 a", "\"10.0.0.256\" is not an IP address"},
      {"printer 10.0.0.7", "\"printer\" is not an IP address"},
      {"10.0.0.7", "\"10.0.0.7\" has no name after it"},
      {"10.0.0.7 # gone", "has no name after it"},
      {"10.0.0.7 a..b", "\"a..b\" is not a host name"},
      {"10.0.0.7 .", "is not a host name"},
      {"10.0.0.7 a\\.b", "is not a host name"},
      {"10.0.0.7 b\xc3\xbc"
       "cher.example",
       "\"b??cher.example\" is not"},
      {"10.0.0.7 *.example", "is a wildcard"},
      {"10.0.0.7 " + std::string(64, 'x'), "is not a host name"}};
  for (const auto& [line, words] : errors_by_line) EXPECT_THAT(Parsed(line), HasSubstr(words));
  EXPECT_LT(Parsed(std::string(100000, 'x')).size(), 200u);
}

TEST(HostsFileTest, MakesReverseNames) {
  EXPECT_EQ(ReverseName(*Endpoint::ParseAddress("10.0.200.7", 0)).ToString(),
            "7.200.0.10.in-addr.arpa.");
  EXPECT_EQ(
      ReverseName(*Endpoint::ParseAddress("fd00::1a", 0)).ToString(),
      absl::StrCat("a.1.", absl::StrJoin(std::vector<int>(26, 0), "."), ".0.0.d.f.ip6.arpa."));
}

}  // namespace
}  // namespace dotcache
