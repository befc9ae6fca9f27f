// SPDX-License-Identifier: Apache-2.0
#include "cmd/upstream_warnings.h"

#include "tests/cmd/config_test_support.h"

namespace dotcache {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kSecure[] = "upstream: [tls://192.0.2.1#a.example]\n";
constexpr char kInsecure[] = "upstream: [{addresses: 192.0.2.1, insecure: true}]\n";
constexpr char kClearText[] =
    "upstream: [tls://192.0.2.1#a.example]\n"
    "zones: [{zone: corp.example, upstream: [udp://192.0.2.53]}]\n";

std::string LogOf(const std::string& after, const std::string& before) {
  const Config next = LoadYaml(after).config;
  const Config running = LoadYaml(before).config;
  testing::internal::CaptureStderr();
  LogUpstreamWarnings(next, running);
  return testing::internal::GetCapturedStderr();
}

TEST(UpstreamWarningsTest, ThereIsNoWarningOfAuthenticatedServers) {
  EXPECT_THAT(UpstreamWarnings(LoadYaml(kSecure).config), IsEmpty());
}

TEST(UpstreamWarningsTest, AServerThatIsNotAuthenticatedIsNamed) {
  const std::vector<UpstreamWarning> warnings = UpstreamWarnings(LoadYaml(kInsecure).config);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].level, LogLevel::kWarn);
  EXPECT_THAT(warnings[0].text, HasSubstr("is not authenticated"));
  EXPECT_THAT(warnings[0].second.value, HasSubstr("192.0.2.1"));
}

TEST(UpstreamWarningsTest, AZoneInClearTextIsNamed) {
  const std::vector<UpstreamWarning> warnings = UpstreamWarnings(LoadYaml(kClearText).config);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0].text, HasSubstr("clear text"));
  EXPECT_THAT(warnings[0].first.value, HasSubstr("corp.example"));
}

TEST(UpstreamWarningsTest, OnlyWarningsThatConcernAChangeAreLogged) {
  EXPECT_THAT(LogOf(kInsecure, kSecure), HasSubstr("not authenticated"));
  EXPECT_THAT(LogOf(kInsecure, kInsecure), IsEmpty());
  EXPECT_THAT(LogOf(kSecure, kInsecure), IsEmpty());
  const std::string log = LogOf(kClearText, kSecure);
  EXPECT_THAT(log, HasSubstr("clear text"));
  EXPECT_THAT(log, Not(HasSubstr("not authenticated")));
}

}  // namespace
}  // namespace dotcache
