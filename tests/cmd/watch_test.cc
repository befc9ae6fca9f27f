// SPDX-License-Identifier: Apache-2.0
#include "cmd/watch.h"

#include "cmd/ctl.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(WatchTest, WithoutAServerTheStatusSaysSo) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(RunWatch("/nonexistent/control.sock", {.count = 1}), Ctl::kExitUnreachable);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("/nonexistent/control.sock"),
            std::string::npos);
}

}  // namespace
}  // namespace dotcache
