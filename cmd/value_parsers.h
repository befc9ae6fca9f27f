// SPDX-License-Identifier: Apache-2.0
// Texts of configuration values to values and back. An error text has what is wrong and what would
// be right.
#ifndef DOTCACHE_CMD_VALUE_PARSERS_H_
#define DOTCACHE_CMD_VALUE_PARSERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/clock.h"
#include "dns/domain_name.h"
#include "server/server_options.h"

namespace dotcache {

// "64MiB", "512K", "1GB", "1048576". Ki, Mi, Gi and K, M, G are powers of 1024; KB, MB and GB are
// powers of 1000.
absl::StatusOr<uint64_t> ParseSize(absl::string_view text);
std::string FormatSize(uint64_t bytes);

// 0, or a size within [min, max].
absl::StatusOr<uint64_t> ParseSizeOrZero(absl::string_view text, uint64_t min, uint64_t max);

// "500ms", "4s", "30m", "1h", "1d"; a bare number is seconds.
absl::StatusOr<Milliseconds> ParseDuration(absl::string_view text);
// In the largest unit of which it is a multiple.
std::string FormatDuration(Milliseconds duration);

// A duration within [min, max]; ParseSecondsWithin() takes whole seconds only.
absl::StatusOr<Milliseconds> ParseDurationWithin(absl::string_view text, Milliseconds min,
                                                 Milliseconds max);
absl::StatusOr<Seconds> ParseSecondsWithin(absl::string_view text, Seconds min, Seconds max);

// "on", "off", "true", "false", "yes", "no".
absl::StatusOr<bool> ParseSwitch(absl::string_view text);

// A text that the server sends to clients.
inline constexpr absl::string_view kOwnTextRange = "1 to 255 printable ASCII characters";
absl::StatusOr<std::string> ParseOwnText(absl::string_view text);

// A file's path: any text except the empty one.
absl::StatusOr<std::string> ParsePath(absl::string_view text);

// A special-use zone that is answered here, or a name above such zones.
absl::StatusOr<DomainName> ParseLocalZone(absl::string_view text);

// The admin address, or "off", which is nullopt.
absl::StatusOr<std::optional<Endpoint>> ParseAdmin(absl::string_view text);
std::string FormatAdmin(const std::optional<Endpoint>& admin);

// "MIN to MAX", as help texts and errors show a range.
std::string RangeText(const absl::AlphaNum& min, const absl::AlphaNum& max);

// A whole number within [min, max].
absl::StatusOr<int64_t> ParseInteger(absl::string_view text, int64_t min, int64_t max);

// "[udp://|tcp://|tls://]ADDR[:PORT]". Without a scheme it means UDP and TCP. Without a port it
// means 53, or 853 with tls://.
absl::StatusOr<std::vector<ListenOptions>> ParseListen(absl::string_view text);

// "udp", "tcp" or "tls", as listeners and servers are written.
absl::string_view SchemeOf(Transport transport);

// A host name as certificates carry it: labels of letters, digits and hyphens, not an address. The
// result is in lower case and has no trailing dot.
absl::StatusOr<std::string> ParseAuthenticationName(absl::string_view text);

// A host name of a URL, without port.
absl::StatusOr<std::string> ParseHostName(absl::string_view text);

// The name or number of a user of this machine.
absl::StatusOr<std::string> ParseUser(absl::string_view text);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_VALUE_PARSERS_H_
