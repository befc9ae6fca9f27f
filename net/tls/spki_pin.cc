// SPDX-License-Identifier: Apache-2.0
#include "net/tls/spki_pin.h"

#include <algorithm>
#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace dotcache {
namespace {

constexpr char kPinPrefix[] = "sha256/";
constexpr size_t kMaxFileSize = 65536;

}  // namespace

absl::StatusOr<SpkiPin> SpkiPin::Parse(absl::string_view text) {
  std::string octets;
  SpkiPin pin;
  const absl::string_view base64 = absl::StripPrefix(text, kPinPrefix);
  if (!absl::Base64Unescape(base64, &octets) || octets.size() != pin.sha256.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not a pin; write \"sha256/\" and 32 octets in base64"));
  }
  std::copy(octets.begin(), octets.end(), pin.sha256.begin());
  return pin;
}

std::string SpkiPin::ToString() const {
  const absl::string_view octets(reinterpret_cast<const char*>(sha256.data()), sha256.size());
  return absl::StrCat(kPinPrefix, absl::Base64Escape(octets));
}

absl::StatusOr<std::vector<SpkiPin>> ParsePins(absl::string_view text) {
  std::vector<SpkiPin> pins;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const absl::StatusOr<SpkiPin> pin = SpkiPin::Parse(line);
    if (!pin.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": ", pin.status().message()));
    }
    pins.push_back(*pin);
  }
  if (pins.empty()) return absl::InvalidArgumentError("contains no pin");
  return pins;
}

absl::StatusOr<std::vector<SpkiPin>> LoadPins(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(kMaxFileSize + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read the pins file ", file));
  }
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kMaxFileSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("the pins file ", file, " has more than ", kMaxFileSize, " octets"));
  }
  absl::StatusOr<std::vector<SpkiPin>> pins = ParsePins(text);
  if (pins.ok()) return pins;
  return absl::InvalidArgumentError(
      absl::StrCat("the pins file ", file, ": ", pins.status().message()));
}

}  // namespace dotcache
