// SPDX-License-Identifier: Apache-2.0
#include "cmd/value_parsers.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::HasSubstr;

TEST(ValueParsersTest, SizesTakeUnits) {
  EXPECT_EQ(*ParseSize("1048576"), 1048576u);
  EXPECT_EQ(*ParseSize("64MiB"), uint64_t{64} << 20);
  EXPECT_EQ(*ParseSize("64 mib"), uint64_t{64} << 20);
  EXPECT_EQ(*ParseSize("4k"), 4096u);
  EXPECT_EQ(*ParseSize("2GB"), 2000000000u);
  EXPECT_EQ(*ParseSize("0"), 0u);
  for (absl::string_view wrong : {"", "MiB", "-1", "1.5G", "1TiB", "99999999999999999999", "9e9"}) {
    EXPECT_FALSE(ParseSize(wrong).ok()) << wrong;
  }
  EXPECT_FALSE(ParseSize("18446744073709551615G").ok());
}

TEST(ValueParsersTest, FormattedSizesAndDurationsReadBack) {
  for (uint64_t bytes : {uint64_t{0}, uint64_t{3000000}, uint64_t{4096}, uint64_t{64} << 20}) {
    EXPECT_EQ(*ParseSize(FormatSize(bytes)), bytes);
  }
  for (int64_t ms : {0, 1, 500, 1500, 4000, 90000, 3600000, 86400000}) {
    EXPECT_EQ(*ParseDuration(FormatDuration(Milliseconds(ms))), Milliseconds(ms));
  }
}

TEST(ValueParsersTest, DurationsArePrintedInTheirLargestUnit) {
  EXPECT_EQ(FormatDuration(Milliseconds(0)), "0s");
  EXPECT_EQ(FormatDuration(Milliseconds(1900)), "1900ms");
  EXPECT_EQ(FormatDuration(Seconds(90)), "90s");
  EXPECT_EQ(FormatDuration(Seconds(300)), "5m");
  EXPECT_EQ(FormatDuration(Seconds(3600)), "1h");
  EXPECT_EQ(FormatDuration(Seconds(7 * 86400)), "7d");
}

TEST(ValueParsersTest, DurationsTakeUnitsAndBareSeconds) {
  EXPECT_EQ(*ParseDuration("500ms"), Milliseconds(500));
  EXPECT_EQ(*ParseDuration("4"), Milliseconds(4000));
  EXPECT_EQ(*ParseDuration("2m"), Milliseconds(120000));
  EXPECT_EQ(*ParseDuration("1d"), Milliseconds(86400000));
  EXPECT_FALSE(ParseDuration("soon").ok());
  EXPECT_FALSE(ParseDuration("-1s").ok());
}

TEST(ValueParsersTest, ListenersHaveASchemeOrMeanUdpAndTcp) {
  const auto both = ParseListen("127.0.0.1:5300");
  ASSERT_EQ(both->size(), 2u);
  EXPECT_EQ(both->at(0).transport, Transport::kUdp);
  EXPECT_EQ(both->at(1).transport, Transport::kTcp);
  const auto tls = ParseListen("tls://[::1]");
  ASSERT_EQ(tls->size(), 1u);
  EXPECT_EQ(tls->at(0).transport, Transport::kDot);
  EXPECT_EQ(tls->at(0).endpoint.ToString(), "[::1]:853");
  EXPECT_EQ(ParseListen("udp://0.0.0.0")->at(0).endpoint.port(), 53);
  EXPECT_THAT(ParseListen("https://127.0.0.1").status().message(), HasSubstr("tls://"));
  EXPECT_THAT(ParseListen("").status().message(), HasSubstr("is empty"));
  EXPECT_FALSE(ParseListen("localhost:53").ok());
}

TEST(ValueParsersTest, AuthenticationNamesAreHostNames) {
  EXPECT_EQ(*ParseAuthenticationName("DNS.Quad9.net."), "dns.quad9.net");
  EXPECT_EQ(*ParseAuthenticationName("localhost"), "localhost");
  EXPECT_EQ(*ParseAuthenticationName("dns_1.example"), "dns_1.example");
  for (const std::string& wrong :
       {std::string(), std::string("."), std::string("a..b"), std::string("a b"),
        std::string("*.example.net"), std::string("\xff.example"), std::string(64, 'a'),
        std::string("::1")}) {
    EXPECT_FALSE(ParseAuthenticationName(wrong).ok()) << wrong;
  }
}

TEST(ValueParsersTest, AnInternationalizedNameGetsAMessageWithItsAsciiForm) {
  EXPECT_NE(ParseAuthenticationName("b\xc3\xbc"
                                    "cher.example")
                .status()
                .message()
                .find("write xn--bcher-kva.example"),
            absl::string_view::npos);
}

TEST(ValueParsersTest, HostNamesOfAUrlHaveNoPort) {
  for (const char* right : {"dns.example", "DNS-1.example.", "dot_cache"}) {
    EXPECT_EQ(*ParseHostName(right), right);
  }
  for (const std::string& wrong :
       {std::string(), std::string("dns.example:9153"), std::string("a b"), std::string(254, 'a'),
        std::string("http://dns.example")}) {
    EXPECT_FALSE(ParseHostName(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace dotcache
