// SPDX-License-Identifier: Apache-2.0
#include "cmd/outgoing_settings.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

constexpr absl::string_view kKey = "upstream-source";

// One machine's own address: neither all of them nor those of a group.
bool MayBeSource(const Endpoint& source) {
  const uint8_t first = source.octets()[0];
  return !source.is_wildcard() && (source.is_v6() ? first != 0xff : first < 224);
}

absl::StatusOr<Endpoint> ParseSource(absl::string_view text) {
  ASSIGN_OR_RETURN(const Endpoint source, Endpoint::ParseAddress(text, 0));
  if (MayBeSource(source)) return source;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not an address of one machine; without the setting the ",
                   "kernel chooses"));
}

absl::StatusOr<uint32_t> ParseMark(absl::string_view text) {
  uint32_t mark = 0;
  absl::string_view digits = text;
  const bool hex = absl::ConsumePrefix(&digits, "0x");
  // What converts them skips blanks, signs and another prefix, too.
  const bool are_digits = std::all_of(digits.begin(), digits.end(), [hex](char c) {
    return hex ? absl::ascii_isxdigit(static_cast<unsigned char>(c))
               : absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
  const bool fits =
      are_digits && (hex ? absl::SimpleHexAtoi(digits, &mark) : absl::SimpleAtoi(digits, &mark));
  if (fits) return mark;
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", text, "\" is not a whole number from 0 to 4294967295, or 0x0 to 0xffffffff"));
}

}  // namespace

void LoadOutgoing(const ConfigValue* source, const ConfigValue* mark, LoadedConfig& loaded) {
  OutgoingOptions& outgoing = loaded.config.server.upstream.limits.outgoing;
  const auto fail = [&loaded](const ConfigValue& value, absl::string_view key,
                              absl::string_view message) {
    loaded.errors.push_back({value.origin, std::string(key), std::string(message)});
  };
  const auto elements = source == nullptr ? std::vector<const ConfigValue*>() : source->Elements();
  for (const ConfigValue* element : elements) {
    const auto address = ParseSource(element->scalar);
    if (!address.ok()) {
      fail(*element, kKey, address.status().message());
      continue;
    }
    std::optional<Endpoint>& place = address->is_v6() ? outgoing.source_v6 : outgoing.source_v4;
    if (place.has_value()) {
      fail(*element, kKey,
           absl::StrCat("a second ", address->is_v6() ? "IPv6" : "IPv4",
                        " address; name at most one of each family"));
      continue;
    }
    place = *address;
    (address->is_v6() ? loaded.origins.source_v6 : loaded.origins.source_v4) = element->origin;
  }
  if (source != nullptr && elements.empty()) fail(*source, kKey, "is empty; name an address");
  if (mark == nullptr) return;
  const auto parsed = ParseMark(mark->scalar);
  if (!parsed.ok()) return fail(*mark, "upstream-mark", parsed.status().message());
  outgoing.mark = *parsed;
  loaded.origins.upstream_mark = mark->origin;
}

}  // namespace dotcache
