// SPDX-License-Identifier: Apache-2.0
// Pins: hashes of public keys that a server's certificates must have.
#ifndef DOTCACHE_NET_SPKI_PIN_H_
#define DOTCACHE_NET_SPKI_PIN_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dotcache {

// SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7858 section 4.2).
struct SpkiPin {
  std::array<uint8_t, 32> sha256{};

  // Base64 as in "sha256/AAAA...=" or without the prefix. kInvalidArgument otherwise.
  static absl::StatusOr<SpkiPin> Parse(absl::string_view text);
  std::string ToString() const;
  friend bool operator==(const SpkiPin& a, const SpkiPin& b) { return a.sha256 == b.sha256; }
};

// The text of a pins file: one pin a line; what follows a # and empty lines do not count. The error
// says in which line; a text without a pin is one: who lists pins wants one to be there.
absl::StatusOr<std::vector<SpkiPin>> ParsePins(absl::string_view text);

// A pins file of at most 64 KiB. The error names the file.
absl::StatusOr<std::vector<SpkiPin>> LoadPins(const std::string& file);

}  // namespace dotcache

#endif  // DOTCACHE_NET_SPKI_PIN_H_
