// SPDX-License-Identifier: Apache-2.0
// Pins: hashes of public keys. A key in the server's certificate chain must match one of them.
#ifndef DOTCACHE_NET_TLS_SPKI_PIN_H_
#define DOTCACHE_NET_TLS_SPKI_PIN_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dotcache {

// SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7858 section 4.2). A value type.
struct SpkiPin {
  std::array<uint8_t, 32> sha256{};

  // Parses base64 with or without prefix: "sha256/AAAA...=". Any other text is kInvalidArgument.
  static absl::StatusOr<SpkiPin> Parse(absl::string_view text);
  std::string ToString() const;
  friend bool operator==(const SpkiPin&, const SpkiPin&) = default;
};

// Parses the text of a pins file, which has one pin in each line. Empty lines and the text after a
// # are ignored. An error names the line. A text without a pin is an error too, because an operator
// who sets a pins file expects its pins to be checked.
absl::StatusOr<std::vector<SpkiPin>> ParsePins(absl::string_view text);

// Reads a pins file of at most 64 KiB. An error names the file.
absl::StatusOr<std::vector<SpkiPin>> LoadPins(const std::string& file);

}  // namespace dotcache

#endif  // DOTCACHE_NET_TLS_SPKI_PIN_H_
