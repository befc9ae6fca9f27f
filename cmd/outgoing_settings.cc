// SPDX-License-Identifier: Apache-2.0
#include "cmd/outgoing_settings.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cmd/list_kinds.h"
#include "cmd/yaml_text.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

// Not a wildcard and not a multicast or broadcast address.
bool MayBeSource(const Endpoint& source) {
  const uint8_t first = source.octets()[0];
  return !source.is_wildcard() && (source.is_v6() ? first != 0xff : first < 224);
}

absl::StatusOr<Endpoint> ParseSource(absl::string_view text) {
  ASSIGN_OR_RETURN(const Endpoint source, Endpoint::ParseAddress(text, 0));
  if (MayBeSource(source)) return source;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not the address of one machine; leave the setting out to ",
                   "let the kernel choose"));
}

absl::Status AddSource(absl::string_view text, OutgoingOptions& outgoing) {
  ASSIGN_OR_RETURN(const Endpoint source, ParseSource(text));
  std::optional<Endpoint>& place = source.is_v6() ? outgoing.source_v6 : outgoing.source_v4;
  if (place.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("a second ", source.is_v6() ? "IPv6" : "IPv4",
                                                   " address; write at most one of each family"));
  }
  place = source;
  return absl::OkStatus();
}

// Without port and brackets, but with the zone of a link-local address.
std::string AddressText(const Endpoint& endpoint) {
  const std::string text = endpoint.ToString();
  return endpoint.is_v6() ? text.substr(1, text.rfind(']') - 1) : endpoint.AddressToString();
}

}  // namespace

void ReadUpstreamSource(const ConfigValue& value, LoadedConfig& loaded) {
  OutgoingOptions& outgoing = loaded.config.server.upstream.limits.outgoing;
  ConfigOrigin origin_v4;
  ConfigOrigin origin_v6;
  RefuseEmptyList(value, "upstream-source", loaded);
  ForEachText(value, "upstream-source", loaded, [&](const ConfigValue& element) {
    const bool had_v4 = outgoing.source_v4.has_value();
    absl::Status status = AddSource(element.scalar, outgoing);
    if (status.ok())
      (had_v4 == outgoing.source_v4.has_value() ? origin_v6 : origin_v4) = element.origin;
    return status;
  });
  loaded.origins.Add("upstream-source", origin_v4);
  loaded.origins.Add("upstream-source", origin_v6);
}

std::string FormatUpstreamSource(const Config& config) {
  const OutgoingOptions& outgoing = config.server.upstream.limits.outgoing;
  std::vector<std::string> texts;
  for (const auto& source : {outgoing.source_v4, outgoing.source_v6}) {
    if (source.has_value()) texts.push_back(AddressText(*source));
  }
  return texts.empty() ? "" : YamlList("upstream-source", texts);
}

absl::StatusOr<uint32_t> ParseMark(absl::string_view text) {
  uint32_t mark = 0;
  absl::string_view digits = text;
  const bool hex = absl::ConsumePrefix(&digits, "0x");
  // SimpleAtoi() and SimpleHexAtoi() would also accept blanks, signs and a second prefix.
  const bool are_digits = std::all_of(digits.begin(), digits.end(), [hex](char c) {
    return hex ? absl::ascii_isxdigit(static_cast<unsigned char>(c))
               : absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
  const bool fits =
      are_digits && (hex ? absl::SimpleHexAtoi(digits, &mark) : absl::SimpleAtoi(digits, &mark));
  if (fits) return mark;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not a whole number from ", kMarkRange));
}

std::string FormatMark(uint32_t mark) {
  return mark == 0 ? "0" : absl::StrCat("0x", absl::Hex(mark));
}

}  // namespace dotcache
