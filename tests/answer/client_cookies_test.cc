// SPDX-License-Identifier: Apache-2.0
#include "answer/client_cookies.h"

#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint32_t kNow = 1700000000;
constexpr CookieSecrets kSecrets{HashSeed{1, 2}};

Endpoint ClientAt(absl::string_view address = "192.0.2.1") {
  return *Endpoint::ParseAddress(address, 4711);
}

Query WithCookie(const FullCookie& cookie, uint8_t size) {
  Query query;
  query.edns.present = true;
  query.edns.cookie = {size, cookie};
  return query;
}

CookieOutcome Judge(CookieMode mode, Query& query, Transport transport = Transport::kUdp) {
  return ClientCookies(mode, kSecrets).Judge(ClientAt(), transport, kNow, query);
}

FullCookie GoodCookie() {
  return JudgeCookie({kClientCookieSize, {7}}, ClientAt().octets(), kNow, kSecrets).reply;
}

TEST(ClientCookiesTest, ModeOffSendsNoCookie) {
  Query query = WithCookie({7}, 8);
  EXPECT_EQ(Judge(CookieMode::kOff, query), CookieOutcome::kProceed);
  EXPECT_FALSE(query.reply_cookie.has_value());
  query.has_question = false;
  EXPECT_EQ(Judge(CookieMode::kOff, query), CookieOutcome::kMalformed);
}

TEST(ClientCookiesTest, ModeOnAnswersEveryCookieAndRequiresNone) {
  Query without;
  EXPECT_EQ(Judge(CookieMode::kOn, without), CookieOutcome::kProceed);
  EXPECT_FALSE(without.reply_cookie.has_value());
  for (uint8_t size : std::initializer_list<uint8_t>{8, 24}) {
    Query query = WithCookie({7}, size);
    EXPECT_EQ(Judge(CookieMode::kOn, query), CookieOutcome::kProceed);
    EXPECT_EQ(query.reply_cookie, GoodCookie());
  }
}

TEST(ClientCookiesTest, ModeRequiredRejectsUdpQueriesWithoutAValidCookie) {
  Query without;
  EXPECT_EQ(Judge(CookieMode::kRequired, without), CookieOutcome::kTruncate);
  for (uint8_t size : std::initializer_list<uint8_t>{8, 24, 40}) {
    Query query = WithCookie({7}, size);
    EXPECT_EQ(Judge(CookieMode::kRequired, query), CookieOutcome::kBadCookie);
    EXPECT_EQ(query.reply_cookie, GoodCookie()) << "the cookie to retry with";
  }
  Query good = WithCookie(GoodCookie(), 24);
  EXPECT_EQ(Judge(CookieMode::kRequired, good), CookieOutcome::kProceed);
}

TEST(ClientCookiesTest, StreamsNeedNoCookie) {
  for (Transport transport : {Transport::kTcp, Transport::kDot}) {
    Query without;
    EXPECT_EQ(Judge(CookieMode::kRequired, without, transport), CookieOutcome::kProceed);
    Query bad = WithCookie({7}, 24);
    EXPECT_EQ(Judge(CookieMode::kRequired, bad, transport), CookieOutcome::kProceed);
    EXPECT_EQ(bad.reply_cookie, GoodCookie());
  }
}

// RFC 7873 section 5.4.
TEST(ClientCookiesTest, QueryWithoutQuestionGetsOnlyACookie) {
  for (CookieMode mode : {CookieMode::kOn, CookieMode::kRequired}) {
    Query first = WithCookie({7}, 8);
    first.has_question = false;
    EXPECT_EQ(Judge(mode, first), CookieOutcome::kCookieOnly);
    Query good = WithCookie(GoodCookie(), 24);
    good.has_question = false;
    EXPECT_EQ(Judge(mode, good), CookieOutcome::kCookieOnly);
    Query bad = WithCookie({7}, 24);
    bad.has_question = false;
    EXPECT_EQ(Judge(mode, bad), CookieOutcome::kBadCookie);
  }
}

TEST(ClientCookiesTest, CookieIsValidForOneAddress) {
  Query query = WithCookie(GoodCookie(), 24);
  const ClientCookies cookies(CookieMode::kRequired, kSecrets);
  EXPECT_EQ(cookies.Judge(ClientAt("192.0.2.2"), Transport::kUdp, kNow, query),
            CookieOutcome::kBadCookie);
  EXPECT_EQ(cookies.Judge(ClientAt("2001:db8::1"), Transport::kUdp, kNow, query),
            CookieOutcome::kBadCookie);
}

TEST(LoadCookieSecretsTest, ReadsTheFileAndReportsItsErrors) {
  EXPECT_TRUE(LoadCookieSecrets("").ok());
  const TestDirectory directory;
  const std::string file = directory.Path("secret");
  EXPECT_THAT(LoadCookieSecrets(file + ".none").status().message(), HasSubstr("cannot be read"));
  std::ofstream(file) << "000102030405060708090a0b0c0d0e0f\n";
  const auto secrets = LoadCookieSecrets(file);
  ASSERT_TRUE(secrets.ok()) << secrets.status();
  EXPECT_EQ(secrets->current.k0, 0x0706050403020100u);
  std::ofstream(file) << "0001020304050607\n";
  const auto bad = LoadCookieSecrets(file);
  EXPECT_THAT(bad.status().message(), HasSubstr(file + ": line 1"));
  EXPECT_THAT(bad.status().message(), Not(HasSubstr("00010203")));
}

TEST(LoadCookieSecretsTest, FileThatIsTooLongIsAnError) {
  const TestDirectory directory;
  const std::string file = directory.Path("secret");
  const std::string secret = "000102030405060708090a0b0c0d0e0f\n";
  std::ofstream(file) << secret << '#' << std::string(4096 - secret.size() - 1, 'x');
  EXPECT_TRUE(LoadCookieSecrets(file).ok());
  std::ofstream(file, std::ios::app) << 'x';
  EXPECT_THAT(LoadCookieSecrets(file).status().message(),
              HasSubstr(file + ": has more than 4096 octets"));
}

}  // namespace
}  // namespace dotcache
