// SPDX-License-Identifier: Apache-2.0
// DNS cookies (RFC 7873) with the interoperable server cookie of RFC 9018.
#ifndef DOTCACHE_DNS_COOKIE_H_
#define DOTCACHE_DNS_COOKIE_H_

#include <array>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/bytes.h"
#include "core/siphash.h"

namespace dotcache {

inline constexpr size_t kClientCookieSize = 8;
inline constexpr size_t kServerCookieSize = 16;  // Of version 1 (RFC 9018 section 4).

// A client cookie followed by the server cookie: the data of a reply's COOKIE option.
using FullCookie = std::array<uint8_t, kClientCookieSize + kServerCookieSize>;

// The COOKIE option of a query.
struct CookieOption {
  // Size as received: 8, or 16 to 40 with a server cookie. 0: the query has no such option.
  uint8_t size = 0;
  // The first octets of the option's data, padded with zeroes.
  FullCookie octets = {};
};

// The secrets that make and check server cookies. Several servers behind one address share them. A
// value type.
struct CookieSecrets {
  HashSeed current;
  // Still accepted, so that a new secret can be rolled out (RFC 9018 section 5).
  std::optional<HashSeed> previous = std::nullopt;

  static CookieSecrets Random() { return {HashSeed::Random()}; }

  // Parses the text of a secret file: one line of 32 hexadecimal digits, and an optional second
  // line with the previous secret. Empty lines and lines that begin with # are ignored.
  // kInvalidArgument names the line, never its text.
  static absl::StatusOr<CookieSecrets> Parse(absl::string_view text);
};

enum class CookieState : uint8_t {
  kClientOnly,  // The option has no server cookie.
  kBad,         // The server cookie has a wrong hash, is for another address, or is out of date.
  kGood,
};

struct CookieVerdict {
  CookieState state = CookieState::kClientOnly;
  FullCookie reply = {};  // Data of the reply's COOKIE option.
};

// Checks the cookie of a client at `client_address` (4 or 16 octets). `now` is in Unix seconds
// modulo 2^32. A server cookie is good from 5 minutes before its timestamp to 1 hour after it. The
// reply repeats a good cookie for half an hour, and then contains a new one (RFC 9018 section 4.3).
// REQUIRES: option.size > 0.
CookieVerdict JudgeCookie(const CookieOption& option, Bytes client_address, uint32_t now,
                          const CookieSecrets& secrets);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_COOKIE_H_
