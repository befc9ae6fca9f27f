// SPDX-License-Identifier: Apache-2.0
#include "dns/cookie.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace dotcache {
namespace {

// Offsets of the parts of a FullCookie: client cookie, version, reserved (3), timestamp, hash.
constexpr size_t kVersionAt = kClientCookieSize;
constexpr size_t kTimestampAt = kVersionAt + 4;
constexpr size_t kHashAt = kTimestampAt + 4;
constexpr size_t kHashSize = 8;
constexpr uint8_t kVersion = 1;

constexpr int32_t kLifetimeSeconds = 3600;
constexpr int32_t kRenewAfterSeconds = 1800;
constexpr int32_t kClockSkewSeconds = 300;

// The hash over all parts before it and the client's address (RFC 9018 section 4.4).
uint64_t Hash(const FullCookie& cookie, Bytes client_address, const HashSeed& secret) {
  constexpr size_t kMaxAddressSize = 16;
  std::array<uint8_t, kHashAt + kMaxAddressSize> input;
  const size_t address_size = std::min(client_address.size(), kMaxAddressSize);
  std::memcpy(input.data(), cookie.data(), kHashAt);
  std::memcpy(input.data() + kHashAt, client_address.data(), address_size);
  uint64_t hash = SipHash24(secret, Bytes(input.data(), kHashAt + address_size));
  if constexpr (std::endian::native == std::endian::big) hash = __builtin_bswap64(hash);
  return hash;
}

bool HasHash(const FullCookie& cookie, Bytes client_address, const HashSeed& secret) {
  uint64_t hash = 0;
  std::memcpy(&hash, cookie.data() + kHashAt, kHashSize);
  // One comparison of one word: its duration does not show how many octets match.
  return hash == Hash(cookie, client_address, secret);
}

FullCookie MakeCookie(const CookieOption& option, Bytes client_address, uint32_t now,
                      const HashSeed& secret) {
  FullCookie cookie = {};
  std::memcpy(cookie.data(), option.octets.data(), kClientCookieSize);
  cookie[kVersionAt] = kVersion;
  StoreU32(cookie.data() + kTimestampAt, now);
  const uint64_t hash = Hash(cookie, client_address, secret);
  std::memcpy(cookie.data() + kHashAt, &hash, kHashSize);
  return cookie;
}

absl::StatusOr<HashSeed> ParseSecret(absl::string_view line, size_t line_number) {
  std::array<uint8_t, 16> octets;
  const bool is_hex = std::all_of(line.begin(), line.end(), absl::ascii_isxdigit);
  if (line.size() != 2 * octets.size() || !is_hex) {
    return absl::InvalidArgumentError(
        absl::StrCat("line ", line_number, " is not a secret of 32 hexadecimal digits"));
  }
  const std::string raw = absl::HexStringToBytes(line);
  std::memcpy(octets.data(), raw.data(), octets.size());
  return HashSeed::FromOctets(octets);
}

}  // namespace

absl::StatusOr<CookieSecrets> CookieSecrets::Parse(absl::string_view text) {
  std::optional<HashSeed> current;
  std::optional<HashSeed> previous;
  size_t line_number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++line_number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line.front() == '#') continue;
    if (previous.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", line_number, " is a third secret; write one or two"));
    }
    const absl::StatusOr<HashSeed> secret = ParseSecret(line, line_number);
    if (!secret.ok()) return secret.status();
    (current.has_value() ? previous : current) = *secret;
  }
  if (!current.has_value()) {
    return absl::InvalidArgumentError("contains no secret; write a line of 32 hexadecimal digits");
  }
  return CookieSecrets{*current, previous};
}

CookieVerdict JudgeCookie(const CookieOption& option, Bytes client_address, uint32_t now,
                          const CookieSecrets& secrets) {
  assert(option.size >= kClientCookieSize);
  CookieVerdict verdict;
  if (option.size > kClientCookieSize) {
    verdict.state = CookieState::kBad;
    // Serial number arithmetic (RFC 1982) gives the right age beyond 2106 too.
    const auto age = static_cast<int32_t>(now - LoadU32(option.octets.data() + kTimestampAt));
    const bool in_time = age <= kLifetimeSeconds && age >= -kClockSkewSeconds;
    const bool ours = option.size == option.octets.size() && option.octets[kVersionAt] == kVersion;
    if (ours && in_time) {
      if (HasHash(option.octets, client_address, secrets.current)) {
        if (age <= kRenewAfterSeconds) return {CookieState::kGood, option.octets};
        verdict.state = CookieState::kGood;
      } else if (secrets.previous.has_value() &&
                 HasHash(option.octets, client_address, *secrets.previous)) {
        verdict.state = CookieState::kGood;
      }
    }
  }
  verdict.reply = MakeCookie(option, client_address, now, secrets.current);
  return verdict;
}

}  // namespace dotcache
