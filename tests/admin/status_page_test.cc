// SPDX-License-Identifier: Apache-2.0
#include "admin/status_page.h"

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(StatusPageTest, EachFileIsFoundByItsPath) {
  for (const char* path : {"/", "/status.css", "/status.js"}) {
    const PageFile* file = FindPageFile(path);
    ASSERT_NE(file, nullptr) << path;
    EXPECT_TRUE(absl::StrContains(file->content, "SPDX-License-Identifier")) << path;
  }
  EXPECT_EQ(FindPageFile("/status.html"), nullptr);
}

TEST(StatusPageTest, NothingIsLoadedFromElsewhere) {
  for (const PageFile& file : StatusPageFiles()) {
    for (const char* text : {"http://", "https://", "@import", "//cdn", "<script>",
                             " style=", "onclick", "innerHTML", "eval("}) {
      EXPECT_FALSE(absl::StrContains(file.content, text)) << file.path << " " << text;
    }
  }
}

}  // namespace
}  // namespace dotcache
