// SPDX-License-Identifier: Apache-2.0
#include "cmd/presets.h"

#include "cmd/value_parsers.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"

namespace dotcache {
namespace {

TEST(PresetsTest, EveryPresetHasValidAddressesOfBothFamiliesAndAName) {
  for (const Preset& preset : Presets()) {
    EXPECT_TRUE(ParseAuthenticationName(preset.authentication_name).ok()) << preset.name;
    int v4 = 0;
    int v6 = 0;
    for (absl::string_view address : preset.addresses) {
      const auto endpoint = Endpoint::ParseAddress(address, 853);
      ASSERT_TRUE(endpoint.ok()) << address;
      ++(endpoint->is_v6() ? v6 : v4);
    }
    EXPECT_GT(v4, 0) << preset.name;
    EXPECT_GT(v6, 0) << preset.name;
  }
  EXPECT_EQ(FindPreset("unknown"), nullptr);
}

}  // namespace
}  // namespace dotcache
