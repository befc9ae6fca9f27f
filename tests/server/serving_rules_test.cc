// SPDX-License-Identifier: Apache-2.0
#include "server/serving_rules.h"

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "tests/support/test_directory.h"

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

TEST(ServingRulesTest, CookieSecretsOfAFileThatIsGoneAreKept) {
  ServerOptions options;
  const TestDirectory directory;
  options.cookie_secret_file = directory.Path("cookie-secret");
  std::ofstream(options.cookie_secret_file) << "00112233445566778899aabbccddeeff\n";
  const Rules first = Loaded(options);
  std::filesystem::remove(options.cookie_secret_file);
  EXPECT_EQ(Loaded(options, first)->cookies, first->cookies);
  std::ofstream(options.cookie_secret_file) << "no secret\n";
  EXPECT_FALSE(ServingRules::Load(options, first.get()).ok());
  options.cookie_secret_file = "/dev/null";
  EXPECT_FALSE(ServingRules::Load(options, first.get()).ok());
}

TEST(CurrentRulesTest, FormerRulesLiveUntilTheyAreFreedHere) {
  CurrentRules rules;
  ASSERT_TRUE(rules.Load({}).ok());
  const std::weak_ptr<const ServingRules> former = rules.Get();
  Rules in_use = rules.Get();
  ASSERT_TRUE(rules.Load({}).ok());
  rules.FreeFormer();
  EXPECT_FALSE(former.expired());
  in_use = nullptr;
  EXPECT_FALSE(former.expired());
  rules.FreeFormer();
  EXPECT_TRUE(former.expired());
  EXPECT_NE(rules.Get(), nullptr);
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
