// SPDX-License-Identifier: Apache-2.0
#include "cmd/query_log_settings.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

using Kind = QueryLogTarget::Kind;

TEST(QueryLogSettingsTest, EveryTargetIsReadAndPrinted) {
  const std::pair<const char*, QueryLogTarget> cases[] = {
      {"off", {Kind::kOff, ""}},
      {"stdout", {Kind::kStdout, ""}},
      {"file:/var/log/q", {Kind::kFile, "/var/log/q"}},
      {"dnstap:tap", {Kind::kDnstapFile, "tap"}},
      {"dnstap:unix:/run/tap", {Kind::kDnstapUnix, "/run/tap"}},
  };
  for (const auto& [text, target] : cases) {
    const auto parsed = ParseQueryLog(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, target) << text;
    EXPECT_EQ(FormatQueryLog(target), text);
  }
}

TEST(QueryLogSettingsTest, ATargetWithoutAPathIsAnError) {
  for (const char* text : {"file:", "dnstap:", "dnstap:unix:", "on", "/var/log/q", ""}) {
    EXPECT_FALSE(ParseQueryLog(text).ok()) << text;
  }
}

TEST(QueryLogSettingsTest, DnstapWithHiddenNamesOrClientsIsAnError) {
  LoadedConfig loaded;
  QueryLogOptions& options = loaded.config.server.query_log;
  options.names = Disclosure::kHashed;
  options.target = {Kind::kFile, "q"};
  CheckQueryLogDisclosure(loaded);
  EXPECT_TRUE(loaded.errors.empty());
  options.target = {Kind::kDnstapFile, "q"};
  CheckQueryLogDisclosure(loaded);
  ASSERT_EQ(loaded.errors.size(), 1u);
  EXPECT_EQ(loaded.errors[0].key, "query-log-names");
  options.names = Disclosure::kPlain;
  options.clients = Disclosure::kTruncated;
  CheckQueryLogDisclosure(loaded);
  ASSERT_EQ(loaded.errors.size(), 2u);
  EXPECT_EQ(loaded.errors[1].key, "query-log-clients");
}

}  // namespace
}  // namespace dotcache
