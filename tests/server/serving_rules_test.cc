// SPDX-License-Identifier: Apache-2.0
#include "server/serving_rules.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

using Rules = std::shared_ptr<const ServingRules>;

Rules Loaded(const ServerOptions& options, const Rules& previous = nullptr) {
  absl::StatusOr<Rules> rules = ServingRules::Load(options, previous.get());
  EXPECT_TRUE(rules.ok()) << rules.status();
  return *std::move(rules);
}

TEST(ServingRulesTest, RandomCookieSecretsAreKeptWhileTheModeStays) {
  ServerOptions options;
  const Rules first = Loaded(options);
  const Rules second = Loaded(options, first);
  EXPECT_EQ(second->cookies, first->cookies);
  options.cookies = CookieMode::kRequired;
  const Rules third = Loaded(options, second);
  EXPECT_NE(third->cookies, first->cookies);
  EXPECT_TRUE(third->cookies->required());
}

TEST(ServingRulesTest, RecordsAreCounted) {
  ServerOptions options;
  options.local_zones = false;
  EXPECT_EQ(Loaded(options)->local_names, nullptr);
  EXPECT_EQ(Loaded(options)->local_record_count(), 0u);
  options.local_data.records = {"a.example. A 192.0.2.1", "b.example. A 192.0.2.2"};
  EXPECT_EQ(Loaded(options)->local_record_count(), 2u);
}

TEST(ServingRulesTest, ErrorsOfFilesAreReturned) {
  ServerOptions options;
  options.local_data.hosts_files = {"/nonexistent/hosts"};
  EXPECT_FALSE(ServingRules::Load(options, nullptr).ok());
  options.local_data.hosts_files = {};
  options.cookie_secret_file = "/nonexistent/secret";
  EXPECT_FALSE(ServingRules::Load(options, nullptr).ok());
}

}  // namespace
}  // namespace dotcache
