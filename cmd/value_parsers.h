// SPDX-License-Identifier: Apache-2.0
// Texts of configuration values to values; errors say what is wrong and what would be right.
#ifndef DOTCACHE_CMD_VALUE_PARSERS_H_
#define DOTCACHE_CMD_VALUE_PARSERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/clock.h"
#include "server/server_options.h"

namespace dotcache {

// "64MiB", "512K", "1GB", "1048576". Ki, Mi, Gi and the bare letters are powers of 1024; KB, MB, GB
// of 1000.
absl::StatusOr<uint64_t> ParseSize(absl::string_view text);
std::string FormatSize(uint64_t bytes);

// "500ms", "4s", "30m", "1h", "1d"; a bare number is seconds.
absl::StatusOr<Milliseconds> ParseDuration(absl::string_view text);
std::string FormatDuration(Milliseconds duration);

// "on", "off", "true", "false", "yes", "no".
absl::StatusOr<bool> ParseSwitch(absl::string_view text);

// "on", "off" (and what ParseSwitch takes), "required".
absl::StatusOr<CookieMode> ParseCookieMode(absl::string_view text);
absl::string_view CookieModeName(CookieMode mode);

// "forward" is false, "minimal" is true.
absl::StatusOr<bool> ParseMinimalAny(absl::string_view text);

// What a server says of itself: 1 to 255 printable ASCII characters.
absl::StatusOr<std::string> ParseOwnText(absl::string_view text);

// A whole number within [min, max].
absl::StatusOr<int64_t> ParseInteger(absl::string_view text, int64_t min, int64_t max);

// "[udp://|tcp://|tls://]ADDR:PORT"; without a scheme it means UDP and TCP. The port may be left
// out: 53, or 853 with tls://.
absl::StatusOr<std::vector<ListenOptions>> ParseListen(absl::string_view text);

// A host name fit for certificates: labels of letters, digits and hyphens, no address, no trailing
// dot in the result.
absl::StatusOr<std::string> ParseAuthenticationName(absl::string_view text);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_VALUE_PARSERS_H_
