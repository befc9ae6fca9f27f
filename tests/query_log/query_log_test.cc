// SPDX-License-Identifier: Apache-2.0
#include "query_log/query_log.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"
#include "tests/query_log/query_note_data.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

TEST(QueryLogTest, EverythingThatWaitsIsWrittenAtTheEnd) {
  const TestDirectory directory;
  const std::string path = directory.Path("log");
  {
    auto log = QueryLog::Open({.target = {QueryLogTarget::Kind::kFile, path}}, 2);
    ASSERT_TRUE(log.ok()) << log.status();
    (*log)->Start();
    for (int i = 0; i < 1000; ++i) (*log)->queue(i % 2).Add(NoteAt(Seconds{1}), {});
  }
  std::ifstream in(path);
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>(), '\n'),
            1000);
}

TEST(QueryLogTest, WithoutAReaderNotesAreCounted) {
  const TestDirectory directory;
  auto log =
      QueryLog::Open({.target = {QueryLogTarget::Kind::kDnstapUnix, directory.Path("socket")}}, 1);
  ASSERT_TRUE(log.ok());
  (*log)->queue(0).Add(NoteAt(Seconds{1}), {});
  (*log)->Start();
  while ((*log)->drops() == 0) std::this_thread::yield();
  EXPECT_EQ((*log)->drops(), 1u);
}

TEST(QueryLogTest, AnOffLogIsNullAndAWrongFileAnError) {
  EXPECT_EQ(*QueryLog::Open({}, 1), nullptr);
  EXPECT_FALSE(QueryLog::Open({.target = {QueryLogTarget::Kind::kFile, "/none/log"}}, 1).ok());
}

}  // namespace
}  // namespace dotcache
