// SPDX-License-Identifier: Apache-2.0
#include "net/uv_handle.h"

#include <gtest/gtest.h>

#include "net/uv_loop.h"

namespace dotcache {
namespace {

struct Owner {
  int calls = 0;
};

TEST(UvHandleTest, CallbackFindsTheOwnerOfTheHandle) {
  UvLoop loop;
  Owner owner;
  UvHandle<uv_idle_t> handle;
  EXPECT_FALSE(handle);
  ASSERT_EQ(handle.Open(&owner, [&](uv_idle_t* idle) { return uv_idle_init(loop.raw(), idle); }),
            0);
  EXPECT_TRUE(handle);
  uv_idle_start(handle.get(), [](uv_idle_t* idle) { ++OwnerOf<Owner>(idle)->calls; });
  loop.RunOnce();
  EXPECT_EQ(owner.calls, 1);
}

TEST(UvHandleTest, ClosedHandleHasNoOwnerAndStaysUntilItsCloseCallback) {
  UvLoop loop;
  Owner owner;
  UvHandle<uv_idle_t> handle;
  ASSERT_EQ(handle.Open(&owner, [&](uv_idle_t* idle) { return uv_idle_init(loop.raw(), idle); }),
            0);
  const uv_idle_t* const raw = handle.get();
  handle.Reset();
  EXPECT_FALSE(handle);
  EXPECT_EQ(OwnerOf<Owner>(raw), nullptr);
  loop.RunOnce();  // The close callback frees it. The address sanitizer would report a leak or a
                   // second free.
}

TEST(UvHandleTest, FailedInitialisationLeavesNoHandle) {
  UvHandle<uv_idle_t> handle;
  EXPECT_EQ(handle.Open(nullptr, [](uv_idle_t*) { return int{UV_ENOMEM}; }), UV_ENOMEM);
  EXPECT_FALSE(handle);
}

}  // namespace
}  // namespace dotcache
