// SPDX-License-Identifier: Apache-2.0
#include "query_log/query_log_options.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

using Kind = QueryLogTarget::Kind;

TEST(QueryLogOptionsTest, TheLogIsOffAndShowsEverythingByDefault) {
  const QueryLogOptions options;
  EXPECT_EQ(options.target, QueryLogTarget{});
  EXPECT_EQ(options.target.kind, Kind::kOff);
  EXPECT_EQ(options.sample, 1);
  EXPECT_EQ(options.names, Disclosure::kPlain);
}

TEST(QueryLogOptionsTest, FilesAndSocketsOfDnstapAreDnstap) {
  EXPECT_TRUE((QueryLogTarget{Kind::kDnstapFile, "tap"}).is_dnstap());
  EXPECT_TRUE((QueryLogTarget{Kind::kDnstapUnix, "tap"}).is_dnstap());
  EXPECT_FALSE((QueryLogTarget{Kind::kFile, "log"}).is_dnstap());
}

}  // namespace
}  // namespace dotcache
