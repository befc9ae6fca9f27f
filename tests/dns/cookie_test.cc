// SPDX-License-Identifier: Apache-2.0
#include "dns/cookie.h"

#include <algorithm>
#include <string>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint8_t kClient1[] = {198, 51, 100, 100};
constexpr uint8_t kClient2[] = {203, 0, 113, 203};
constexpr uint8_t kClient6[] = {0x20, 0x01, 0x0d, 0xb8, 0x02, 0x20, 0x00, 0x01,
                                0x59, 0xde, 0xd0, 0xf4, 0x87, 0x69, 0x82, 0xb8};
constexpr absl::string_view kSecretText = "e5e973e5a6b2a43f48e7dc849e37bfcf";
constexpr uint32_t kMade = 1559731985;  // 2019-06-05 10:53:05 UTC.

CookieSecrets Secrets(absl::string_view text = kSecretText) { return *CookieSecrets::Parse(text); }

CookieOption Option(absl::string_view hex) {
  const std::string data = absl::HexStringToBytes(hex);
  CookieOption option;
  option.size = static_cast<uint8_t>(data.size());
  std::copy_n(data.begin(), std::min(data.size(), option.octets.size()), option.octets.begin());
  return option;
}

std::string Text(const FullCookie& cookie) {
  return absl::BytesToHexString({reinterpret_cast<const char*>(cookie.data()), cookie.size()});
}

constexpr absl::string_view kCookie1 = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";

// RFC 9018 appendix A.1.
TEST(CookieTest, NewClientGetsAServerCookie) {
  const CookieVerdict verdict = JudgeCookie(Option("2464c4abcf10c957"), kClient1, kMade, Secrets());
  EXPECT_EQ(verdict.state, CookieState::kClientOnly);
  EXPECT_EQ(Text(verdict.reply), kCookie1);
}

// RFC 9018 appendix A.2.
TEST(CookieTest, GoodCookieIsRenewedAfterFortyMinutes) {
  const CookieVerdict verdict = JudgeCookie(Option(kCookie1), kClient1, 1559734385, Secrets());
  EXPECT_EQ(verdict.state, CookieState::kGood);
  EXPECT_EQ(Text(verdict.reply), "2464c4abcf10c957010000005cf7a871d4a564a1442aca77");
}

// RFC 9018 appendix A.3, at a time when the cookie is still valid.
TEST(CookieTest, ReservedOctetsAreHashedAndZeroInNewCookies) {
  const CookieOption option = Option("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5");
  EXPECT_EQ(JudgeCookie(option, kClient2, 1559727985 + 3600, Secrets()).state, CookieState::kGood);
  EXPECT_EQ(Text(JudgeCookie(option, kClient2, 1559734700, Secrets()).reply),
            "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e");
}

// RFC 9018 appendix A.4.
TEST(CookieTest, PreviousSecretIsAcceptedAndNewCookiesUseTheCurrentOne) {
  const CookieOption option = Option("22681ab97d52c298010000005cf7c57926556bd0934c72f8");
  const CookieSecrets rolled =
      Secrets("445536bcd2513298075a5d379663c962\ndd3bdf9344b678b185a6f5cb60fca715\n");
  const CookieVerdict verdict = JudgeCookie(option, kClient6, 1559741961, rolled);
  EXPECT_EQ(verdict.state, CookieState::kGood);
  EXPECT_EQ(Text(verdict.reply), "22681ab97d52c298010000005cf7c609a6bb79d16625507a");
  EXPECT_EQ(JudgeCookie(option, kClient6, 1559741961, {rolled.current}).state, CookieState::kBad);
}

TEST(CookieTest, YoungCookieIsRepeatedUnchanged) {
  for (uint32_t age : {0u, 1u, 1800u}) {
    const CookieVerdict verdict = JudgeCookie(Option(kCookie1), kClient1, kMade + age, Secrets());
    EXPECT_EQ(verdict.state, CookieState::kGood) << age;
    EXPECT_EQ(Text(verdict.reply), kCookie1) << age;
  }
  EXPECT_NE(Text(JudgeCookie(Option(kCookie1), kClient1, kMade + 1801, Secrets()).reply), kCookie1);
}

TEST(CookieTest, CookieIsGoodFromFiveMinutesBeforeToOneHourAfterItsTimestamp) {
  const auto state_at = [](uint32_t now) {
    return JudgeCookie(Option(kCookie1), kClient1, now, Secrets()).state;
  };
  EXPECT_EQ(state_at(kMade + 3600), CookieState::kGood);
  EXPECT_EQ(state_at(kMade + 3601), CookieState::kBad);
  EXPECT_EQ(state_at(kMade - 300), CookieState::kGood);
  EXPECT_EQ(state_at(kMade - 301), CookieState::kBad);
}

TEST(CookieTest, CookieStaysGoodWhenTheTimestampWraps) {
  const uint32_t before = 0xfffffff0;
  const FullCookie made =
      JudgeCookie(Option("2464c4abcf10c957"), kClient1, before, Secrets()).reply;
  const CookieOption option{.size = 24, .octets = made};
  EXPECT_EQ(JudgeCookie(option, kClient1, before + 100, Secrets()).state, CookieState::kGood);
}

TEST(CookieTest, AnotherAddressOrAnyChangedOctetMakesACookieBad) {
  EXPECT_EQ(JudgeCookie(Option(kCookie1), kClient2, kMade, Secrets()).state, CookieState::kBad);
  for (size_t at = 0; at < FullCookie().size(); ++at) {
    CookieOption option = Option(kCookie1);
    option.octets[at] = static_cast<uint8_t>(option.octets[at] ^ 1);
    const CookieVerdict verdict = JudgeCookie(option, kClient1, kMade, Secrets());
    EXPECT_EQ(verdict.state, CookieState::kBad) << at;
    EXPECT_TRUE(std::equal(option.octets.begin(), option.octets.begin() + 8, verdict.reply.begin()))
        << "the reply repeats the client cookie";
  }
}

TEST(CookieTest, ServerCookiesOfOtherSizesAreBad) {
  for (uint8_t size : std::initializer_list<uint8_t>{16, 23, 25, 40}) {
    CookieOption option = Option(kCookie1);
    option.size = size;
    EXPECT_EQ(JudgeCookie(option, kClient1, kMade, Secrets()).state, CookieState::kBad);
  }
}

TEST(CookieSecretsTest, FileHasOneOrTwoSecrets) {
  EXPECT_FALSE(Secrets().previous.has_value());
  const CookieSecrets two = Secrets(
      "# rolled over on Monday\n\n  445536BCD2513298075A5D379663C962  \r\n"
      "e5e973e5a6b2a43f48e7dc849e37bfcf\n");
  EXPECT_EQ(two.previous->k0, Secrets().current.k0);
  EXPECT_EQ(two.previous->k1, Secrets().current.k1);
}

TEST(CookieSecretsTest, ErrorsNameTheLineAndNotTheSecret) {
  const auto error = [](absl::string_view text) {
    const auto secrets = CookieSecrets::Parse(text);
    return secrets.ok() ? std::string() : std::string(secrets.status().message());
  };
  EXPECT_THAT(error(""), HasSubstr("no secret"));
  EXPECT_THAT(error("# nothing\n"), HasSubstr("no secret"));
  for (absl::string_view wrong :
       {"e5e973e5a6b2a43f48e7dc849e37bf", "e5e973e5a6b2a43f48e7dc849e37bfcfaa",
        "e5e973e5a6b2a43f48e7dc849e37bfcg"}) {
    EXPECT_THAT(error(wrong), HasSubstr("line 1"));
    EXPECT_THAT(error(wrong), Not(HasSubstr("e5e9")));
  }
  const std::string line = std::string(kSecretText) + "\n";
  EXPECT_THAT(error(line + line + line), HasSubstr("line 3"));
}

TEST(CookieSecretsTest, RandomSecretsDiffer) {
  EXPECT_NE(CookieSecrets::Random().current.k0, CookieSecrets::Random().current.k0);
}

}  // namespace
}  // namespace dotcache
