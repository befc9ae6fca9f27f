// SPDX-License-Identifier: Apache-2.0
// Public providers with short names.
#ifndef DOTCACHE_CMD_PRESETS_H_
#define DOTCACHE_CMD_PRESETS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace dotcache {

// A provider with its DoT addresses, all on port 853, and the authentication domain name in its
// certificate (RFC 8310). The source is each provider's public documentation.
struct Preset {
  absl::string_view name;
  absl::string_view authentication_name;
  absl::Span<const absl::string_view> addresses;
};

// All presets, in the order in which error texts list them.
absl::Span<const Preset> Presets();

// Null when there is no preset of this name.
const Preset* FindPreset(absl::string_view name);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_PRESETS_H_
