// SPDX-License-Identifier: Apache-2.0
// The settings `upstream-source` and `upstream-mark`.
#ifndef DOTCACHE_CMD_OUTGOING_SETTINGS_H_
#define DOTCACHE_CMD_OUTGOING_SETTINGS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cmd/config.h"

namespace dotcache {

// At most one address of each family.
void ReadUpstreamSource(const ConfigValue& value, LoadedConfig& loaded);
std::string FormatUpstreamSource(const Config& config);

inline constexpr absl::string_view kMarkRange = "0 to 4294967295, or 0x0 to 0xffffffff";

// Decimal digits, or "0x" and hexadecimal digits.
absl::StatusOr<uint32_t> ParseMark(absl::string_view text);
std::string FormatMark(uint32_t mark);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_OUTGOING_SETTINGS_H_
