// SPDX-License-Identifier: Apache-2.0
// Public providers known by name.
#ifndef DOTCACHE_CMD_PRESETS_H_
#define DOTCACHE_CMD_PRESETS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace dotcache {

// A provider with its DoT addresses, all on port 853, and the authentication domain name that its
// certificate carries (RFC 8310). From the providers' own public documentation.
struct Preset {
  absl::string_view name;
  absl::string_view authentication_name;
  absl::Span<const absl::string_view> addresses;
};

// All of them, in the order in which help texts list them.
absl::Span<const Preset> Presets();

// Null when there is none of this name.
const Preset* FindPreset(absl::string_view name);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_PRESETS_H_
