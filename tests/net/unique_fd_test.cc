// SPDX-License-Identifier: Apache-2.0
#include "net/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <utility>

namespace dotcache {
namespace {

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) != -1; }

int NewDescriptor() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

TEST(UniqueFdTest, DestructorClosesTheDescriptor) {
  const int raw = NewDescriptor();
  {
    const UniqueFd fd(raw);
    EXPECT_TRUE(fd.valid());
    EXPECT_TRUE(IsOpen(raw));
  }
  EXPECT_FALSE(IsOpen(raw));
}

TEST(UniqueFdTest, MovedDescriptorHasOneOwner) {
  const int raw = NewDescriptor();
  UniqueFd first(raw);
  UniqueFd second(std::move(first));
  EXPECT_EQ(first.get(), -1);  // NOLINT(bugprone-use-after-move): defined by UniqueFd.
  EXPECT_EQ(second.get(), raw);
  UniqueFd& same = second;
  second = std::move(same);
  EXPECT_TRUE(IsOpen(raw));
}

TEST(UniqueFdTest, NewDescriptorClosesTheOldOne) {
  const int raw = NewDescriptor();
  UniqueFd fd(raw);
  const int other = NewDescriptor();
  fd = UniqueFd(other);
  EXPECT_FALSE(IsOpen(raw));
  fd.reset();
  EXPECT_FALSE(IsOpen(other));
  EXPECT_FALSE(fd.valid());
}

TEST(UniqueFdTest, ReleasedDescriptorStaysOpen) {
  UniqueFd fd(NewDescriptor());
  const UniqueFd released(fd.release());
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(IsOpen(released.get()));
}

}  // namespace
}  // namespace dotcache
