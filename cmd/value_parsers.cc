// SPDX-License-Identifier: Apache-2.0
#include "cmd/value_parsers.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cmd/did_you_mean.h"
#include "cmd/words.h"
#include "core/status_macros.h"
#include "local/local_zones.h"
#include "net/tls/idna.h"

namespace dotcache {
namespace {

struct Unit {
  absl::string_view suffix;  // Lower case.
  uint64_t factor;
};

constexpr uint64_t kKibi = 1024;
constexpr Unit kSizeUnits[] = {{"", 1},
                               {"b", 1},
                               {"k", kKibi},
                               {"ki", kKibi},
                               {"kib", kKibi},
                               {"kb", 1000},
                               {"m", kKibi << 10},
                               {"mi", kKibi << 10},
                               {"mib", kKibi << 10},
                               {"mb", 1000000},
                               {"g", kKibi << 20},
                               {"gi", kKibi << 20},
                               {"gib", kKibi << 20},
                               {"gb", 1000000000}};

constexpr Unit kDurationUnits[] = {{"", 1000},       {"ms", 1},          {"s", 1000},
                                   {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 86400 * 1000}};

// A number followed by one of `units`; nullopt when it is anything else or does not fit.
std::optional<uint64_t> ParseWithUnit(absl::string_view text, absl::Span<const Unit> units) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  uint64_t number = 0;
  if (!absl::SimpleAtoi(text.substr(0, digits), &number)) return std::nullopt;
  const std::string suffix = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text.substr(digits)));
  for (const Unit& unit : units) {
    if (unit.suffix != suffix) continue;
    if (number > uint64_t{std::numeric_limits<int64_t>::max()} / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

absl::Status Wrong(absl::string_view text, absl::string_view right) {
  return absl::InvalidArgumentError(text.empty() ? absl::StrCat("is empty; write ", right)
                                                 : absl::StrCat("\"", text, "\" is not ", right));
}

}  // namespace

absl::StatusOr<uint64_t> ParseSize(absl::string_view text) {
  if (const auto bytes = ParseWithUnit(text, kSizeUnits)) return *bytes;
  return Wrong(text, "a size such as 64MiB, 512K or 1048576");
}

std::string FormatSize(uint64_t bytes) {
  if (bytes == 0) return "0";
  if (bytes % (kKibi << 20) == 0) return absl::StrCat(bytes / (kKibi << 20), "GiB");
  if (bytes % (kKibi << 10) == 0) return absl::StrCat(bytes / (kKibi << 10), "MiB");
  if (bytes % kKibi == 0) return absl::StrCat(bytes / kKibi, "KiB");
  return absl::StrCat(bytes);
}

absl::StatusOr<uint64_t> ParseSizeOrZero(absl::string_view text, uint64_t min, uint64_t max) {
  ASSIGN_OR_RETURN(const uint64_t bytes, ParseSize(text));
  if (bytes == 0 || (bytes >= min && bytes <= max)) return bytes;
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not 0 and not within ",
                                                 RangeText(FormatSize(min), FormatSize(max))));
}

absl::StatusOr<Milliseconds> ParseDuration(absl::string_view text) {
  if (const auto ms = ParseWithUnit(text, kDurationUnits)) {
    return Milliseconds(static_cast<int64_t>(*ms));
  }
  return Wrong(text, "a duration such as 500ms, 4s, 30m or 1d");
}

std::string FormatDuration(Milliseconds duration) {
  const auto ms = static_cast<uint64_t>(duration.count());
  if (ms == 0) return "0s";
  const auto largest_first = absl::MakeConstSpan(kDurationUnits).subspan(1);
  const auto unit = std::find_if(largest_first.rbegin(), largest_first.rend(),
                                 [ms](const Unit& each) { return ms % each.factor == 0; });
  return absl::StrCat(ms / unit->factor, unit->suffix);
}

absl::StatusOr<Milliseconds> ParseDurationWithin(absl::string_view text, Milliseconds min,
                                                 Milliseconds max) {
  ASSIGN_OR_RETURN(const Milliseconds duration, ParseDuration(text));
  if (duration >= min && duration <= max) return duration;
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", text, "\" is not within ", RangeText(FormatDuration(min), FormatDuration(max))));
}

absl::StatusOr<Seconds> ParseSecondsWithin(absl::string_view text, Seconds min, Seconds max) {
  ASSIGN_OR_RETURN(const Milliseconds duration, ParseDurationWithin(text, min, max));
  const Seconds seconds = std::chrono::duration_cast<Seconds>(duration);
  if (seconds == duration) return seconds;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not a whole number of seconds"));
}

absl::StatusOr<bool> ParseSwitch(absl::string_view text) { return ParseWord(text, kSwitchWords); }

absl::StatusOr<std::string> ParseOwnText(absl::string_view text) {
  constexpr size_t kMaxSize = 255;  // Of a character-string (RFC 1035 section 3.3).
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isprint(static_cast<unsigned char>(c));
  });
  if (!text.empty() && text.size() <= kMaxSize && printable) return std::string(text);
  return Wrong(text.substr(0, kMaxSize), kOwnTextRange);
}

absl::StatusOr<std::string> ParsePath(absl::string_view text) {
  if (!text.empty()) return std::string(text);
  return absl::InvalidArgumentError("is empty; write a file's path");
}

absl::StatusOr<DomainName> ParseLocalZone(absl::string_view text) {
  const auto name = DomainName::FromText(text);
  if (name.ok() && LocalZones::HoldsZoneAtOrBelow(*name)) return name->Canonical();
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", text, "\" is not a zone that is answered here", DidYouMean(text, LocalZones::Names())));
}

absl::StatusOr<std::optional<Endpoint>> ParseAdmin(absl::string_view text) {
  // Some YAML tools write `false` for a bare `off`.
  const absl::StatusOr<bool> on = ParseSwitch(text);
  if (on.ok() && !*on) return std::optional<Endpoint>();
  ASSIGN_OR_RETURN(const Endpoint endpoint, Endpoint::Parse(text));
  return std::optional<Endpoint>(endpoint);
}

std::string FormatAdmin(const std::optional<Endpoint>& admin) {
  return admin.has_value() ? admin->ToString() : "off";
}

std::string RangeText(const absl::AlphaNum& min, const absl::AlphaNum& max) {
  return absl::StrCat(min, " to ", max);
}

absl::StatusOr<int64_t> ParseInteger(absl::string_view text, int64_t min, int64_t max) {
  int64_t value = 0;
  if (absl::SimpleAtoi(text, &value) && value >= min && value <= max) return value;
  return Wrong(text, absl::StrCat("a whole number from ", RangeText(min, max)));
}

absl::StatusOr<std::vector<ListenOptions>> ParseListen(absl::string_view text) {
  absl::string_view rest = text;
  std::vector<Transport> transports = {Transport::kUdp, Transport::kTcp};
  uint16_t default_port = 53;
  if (absl::ConsumePrefix(&rest, "udp://")) {
    transports = {Transport::kUdp};
  } else if (absl::ConsumePrefix(&rest, "tcp://")) {
    transports = {Transport::kTcp};
  } else if (absl::ConsumePrefix(&rest, "tls://")) {
    transports = {Transport::kDot};
    default_port = kDotPort;
  } else if (absl::StrContains(rest, "://")) {
    return Wrong(text, "a listener; the schemes are udp://, tcp:// and tls://");
  }
  if (rest.empty()) return Wrong(text, "a listener such as 127.0.0.1:53 or tls://[::1]:853");
  ASSIGN_OR_RETURN(const Endpoint endpoint, Endpoint::Parse(rest, default_port));
  std::vector<ListenOptions> listeners;
  for (Transport transport : transports) listeners.push_back({transport, endpoint});
  return listeners;
}

absl::string_view SchemeOf(Transport transport) {
  return transport == Transport::kDot ? "tls" : TransportName(transport);
}

absl::StatusOr<std::string> ParseHostName(absl::string_view text) {
  const bool good =
      !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
               c == '.';
      });
  if (!good) return Wrong(text, "a host name such as dns.example, without a port");
  return std::string(text);
}

absl::StatusOr<std::string> ParseUser(absl::string_view text) {
  constexpr size_t kLongest = 32;  // useradd(8).
  const bool good =
      !text.empty() && text.size() <= kLongest && std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
               c == '.';
      });
  if (!good) return Wrong(text, "the name or number of a user such as nobody");
  return std::string(text);
}

absl::StatusOr<std::string> ParseAuthenticationName(absl::string_view text) {
  static constexpr absl::string_view kRight = "an authentication name such as dns.quad9.net";
  absl::string_view name = absl::StripSuffix(text, ".");
  if (name.empty() || name.size() > 253) return Wrong(text, kRight);
  if (Endpoint::ParseAddress(name, 0).ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", text, "\" is an address, not a name; leave the name out to check the address in the ",
        "certificate"));
  }
  if (std::any_of(name.begin(), name.end(), [](char c) { return !absl::ascii_isascii(c); })) {
    const std::optional<std::string> ascii = ToAsciiName(name);
    if (!ascii.has_value()) return Wrong(text, kRight);
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not ASCII; write ", *ascii));
  }
  for (absl::string_view label : absl::StrSplit(name, '.')) {
    const bool good =
        !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
        std::all_of(label.begin(), label.end(), [](char c) {
          return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
        });
    if (!good) return Wrong(text, kRight);
  }
  return absl::AsciiStrToLower(name);
}

}  // namespace dotcache
