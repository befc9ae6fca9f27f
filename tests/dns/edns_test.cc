// SPDX-License-Identifier: Apache-2.0
#include "dns/edns.h"

#include "gtest/gtest.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

// The RDATA of an OPT with one option.
WireMessage Option(EdnsOption code, WireMessage data) {
  return OptRecord({.options = {{static_cast<uint16_t>(code), std::move(data)}}}).rdata;
}

bool ClientMaySend(Bytes rdata) {
  return ParseOpt(1232, 0, rdata, EdnsSender::kClient).has_value();
}
bool UpstreamMaySend(Bytes rdata) {
  return ParseOpt(1232, 0, rdata, EdnsSender::kUpstream).has_value();
}

TEST(EdnsTest, FixedFieldsAreRead) {
  const std::optional<EdnsInfo> edns = ParseOpt(4096, 0x0102'8000, {}, EdnsSender::kUpstream);
  ASSERT_TRUE(edns.has_value());
  EXPECT_TRUE(edns->present);
  EXPECT_EQ(edns->udp_payload_size, 4096);
  EXPECT_EQ(edns->extended_rcode, 1);
  EXPECT_EQ(edns->version, 2);
  EXPECT_TRUE(edns->dnssec_ok);
  EXPECT_FALSE(edns->has_padding);
  EXPECT_FALSE(edns->has_keepalive);
  EXPECT_FALSE(ParseOpt(4096, 0x0000'7fff, {}, EdnsSender::kClient)->dnssec_ok);
}

TEST(EdnsTest, SizesBelow512CountAs512) {
  EXPECT_EQ(ParseOpt(0, 0, {}, EdnsSender::kClient)->udp_payload_size, 512);
  EXPECT_EQ(ParseOpt(511, 0, {}, EdnsSender::kClient)->udp_payload_size, 512);
  EXPECT_EQ(ParseOpt(65535, 0, {}, EdnsSender::kClient)->udp_payload_size, 65535);
}

TEST(EdnsTest, OptionsThatExceedTheRdataAreMalformedForEverySender) {
  WireMessage rdata = Option(EdnsOption::kPadding, WireMessage(5));
  for (size_t size = 1; size < rdata.size(); ++size) {
    const WireMessage cut(rdata.begin(), rdata.begin() + size);
    EXPECT_FALSE(ClientMaySend(cut)) << size;
    EXPECT_FALSE(UpstreamMaySend(cut)) << size;
  }
  rdata.push_back(0);
  EXPECT_FALSE(ClientMaySend(rdata));
}

TEST(EdnsTest, UnknownOptionsAreIgnored) {
  RawOpt opt;
  for (uint16_t i = 0; i < 100; ++i)
    opt.options.push_back({static_cast<uint16_t>(65001 + i), {1, 2}});
  opt.options.push_back({static_cast<uint16_t>(EdnsOption::kPadding), {}});
  EXPECT_TRUE(ParseOpt(1232, 0, OptRecord(opt).rdata, EdnsSender::kClient)->has_padding);
}

TEST(EdnsTest, CookiesHave8Or16To40Octets) {
  for (size_t size = 0; size <= 60; ++size) {
    const WireMessage rdata = Option(EdnsOption::kCookie, WireMessage(size));
    EXPECT_EQ(ClientMaySend(rdata), size == 8 || (size >= 16 && size <= 40)) << size;
    EXPECT_TRUE(UpstreamMaySend(rdata));
  }
}

TEST(EdnsTest, LongCookieIsStoredWithItsSize) {
  const auto edns =
      ParseOpt(1232, 0, Option(EdnsOption::kCookie, WireMessage(40, 5)), EdnsSender::kClient);
  EXPECT_EQ(edns->cookie.size, 40);
  EXPECT_EQ(edns->cookie.octets.back(), 5);
}

TEST(EdnsTest, NsidIsARequestWithAnyContent) {
  EXPECT_TRUE(ParseOpt(1232, 0, Option(EdnsOption::kNsid, {}), EdnsSender::kClient)->has_nsid);
  EXPECT_TRUE(ParseOpt(1232, 0, Option(EdnsOption::kNsid, {1}), EdnsSender::kClient)->has_nsid);
  EXPECT_FALSE(ParseOpt(1232, 0, {}, EdnsSender::kClient)->has_nsid);
}

TEST(EdnsTest, KeepaliveIsEmptyOrHasATimeout) {
  for (size_t size = 0; size <= 4; ++size) {
    const WireMessage rdata = Option(EdnsOption::kTcpKeepalive, WireMessage(size));
    const auto edns = ParseOpt(1232, 0, rdata, EdnsSender::kClient);
    ASSERT_TRUE(edns.has_value()) << "no RFC makes it an error";
    EXPECT_EQ(edns->has_keepalive, size == 0 || size == 2) << size;
  }
  const auto empty =
      ParseOpt(1232, 0, Option(EdnsOption::kTcpKeepalive, {}), EdnsSender::kUpstream);
  EXPECT_TRUE(empty->has_keepalive);
  EXPECT_FALSE(empty->keepalive_timeout_100ms.has_value());
  const auto timed =
      ParseOpt(1232, 0, Option(EdnsOption::kTcpKeepalive, {1, 2}), EdnsSender::kUpstream);
  EXPECT_EQ(timed->keepalive_timeout_100ms, 0x0102);
  const auto odd =
      ParseOpt(1232, 0, Option(EdnsOption::kTcpKeepalive, {1, 2, 3}), EdnsSender::kUpstream);
  EXPECT_FALSE(odd->has_keepalive);
}

TEST(EdnsTest, FirstExtendedErrorIsUsed) {
  const uint16_t code = static_cast<uint16_t>(EdnsOption::kExtendedError);
  const Record opt = OptRecord({.options = {{code, {9}}, {code, {0, 22, 'x'}}, {code, {0, 3}}}});
  const auto edns = ParseOpt(1232, 0, opt.rdata, EdnsSender::kUpstream);
  EXPECT_EQ(edns->extended_error, ExtendedErrorCode::kNoReachableAuthority);
}

TEST(EdnsTest, ClientSubnetHasExactlyTheOctetsOfItsPrefix) {
  const auto valid = [](WireMessage data) {
    return ClientMaySend(Option(EdnsOption::kClientSubnet, std::move(data)));
  };
  EXPECT_TRUE(valid({0, 1, 24, 0, 192, 0, 2}));
  EXPECT_TRUE(valid({0, 1, 0, 0}));
  EXPECT_TRUE(valid({0, 0, 0, 0}));
  EXPECT_TRUE(valid({0, 1, 20, 0, 192, 0, 0x20}));
  EXPECT_TRUE(valid({0, 2, 32, 0, 0x20, 1, 0x0d, 0xb8}));
  EXPECT_FALSE(valid({0, 1, 33, 0, 192, 0, 2, 1, 0})) << "prefix over 32";
  EXPECT_FALSE(valid({0, 1, 24, 0, 192, 0})) << "too few octets";
  EXPECT_FALSE(valid({0, 1, 24, 0, 192, 0, 2, 0})) << "too many octets";
  EXPECT_FALSE(valid({0, 1, 20, 0, 192, 0, 0x21})) << "bits beyond the prefix";
  EXPECT_FALSE(valid({0, 1, 24, 24, 192, 0, 2})) << "scope in a query";
  EXPECT_FALSE(valid({0, 3, 24, 0, 192, 0, 2})) << "unknown family";
  EXPECT_FALSE(valid({0, 0, 8, 0, 10})) << "prefix without family";
  EXPECT_FALSE(valid({0, 1, 24})) << "truncated";
  EXPECT_TRUE(UpstreamMaySend(Option(EdnsOption::kClientSubnet, {0, 1, 24})));
}

}  // namespace
}  // namespace dotcache
