// SPDX-License-Identifier: Apache-2.0
#include "cmd/presets.h"

namespace dotcache {
namespace {

constexpr absl::string_view kCloudflare[] = {"1.1.1.1", "1.0.0.1", "2606:4700:4700::1111",
                                             "2606:4700:4700::1001"};
constexpr absl::string_view kQuad9[] = {"9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9"};
constexpr absl::string_view kGoogle[] = {"8.8.8.8", "8.8.4.4", "2001:4860:4860::8888",
                                         "2001:4860:4860::8844"};
constexpr absl::string_view kAdguard[] = {"94.140.14.14", "94.140.15.15", "2a10:50c0::ad1:ff",
                                          "2a10:50c0::ad2:ff"};
constexpr absl::string_view kMullvad[] = {"194.242.2.2", "2a07:e340::2"};

constexpr Preset kPresets[] = {
    {"cloudflare", "cloudflare-dns.com", kCloudflare},
    {"quad9", "dns.quad9.net", kQuad9},
    {"google", "dns.google", kGoogle},
    {"adguard", "dns.adguard-dns.com", kAdguard},
    {"mullvad", "dns.mullvad.net", kMullvad},
};

}  // namespace

absl::Span<const Preset> Presets() { return kPresets; }

const Preset* FindPreset(absl::string_view name) {
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return &preset;
  }
  return nullptr;
}

}  // namespace dotcache
