// SPDX-License-Identifier: Apache-2.0
// DNS cookies: RFC 7873, with the server cookie that all servers can agree on (RFC 9018).
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

// A client cookie with our server cookie behind it: the COOKIE option's data in a reply.
using FullCookie = std::array<uint8_t, kClientCookieSize + kServerCookieSize>;

// The COOKIE option of a query.
struct CookieOption {
  // As received: 8, or 16 to 40 with a server cookie; 0 when there is no option.
  uint8_t size = 0;
  // The first octets of the data; zeroes behind it.
  FullCookie octets = {};
};

// What makes and checks server cookies. Several servers behind one address share it.
struct CookieSecrets {
  HashSeed current;
  // Accepted still, so that a new secret can be rolled out (RFC 9018 section 5).
  std::optional<HashSeed> previous = std::nullopt;

  static CookieSecrets Random() { return {HashSeed::Random()}; }

  // The text of a secret file: one line of 32 hexadecimal digits, or two, the second being the
  // previous secret; empty lines and lines that begin with # do not count. kInvalidArgument names
  // the line, never its text.
  static absl::StatusOr<CookieSecrets> Parse(absl::string_view text);
};

enum class CookieState : uint8_t {
  kClientOnly,  // No server cookie yet.
  kBad,         // A server cookie that is not ours, for another address, or not of this time.
  kGood,
};

struct CookieVerdict {
  CookieState state = CookieState::kClientOnly;
  FullCookie reply = {};  // What the reply's COOKIE option says.
};

// Judges the cookie of a client at `client_address` (4 or 16 octets) at `now` (Unix seconds modulo
// 2^32). A server cookie is good from 5 minutes before its timestamp to 1 hour after it. The reply
// repeats a good one until half an hour has passed, else it brings a new one (RFC 9018 section
// 4.3). REQUIRES: option.size > 0.
CookieVerdict JudgeCookie(const CookieOption& option, Bytes client_address, uint32_t now,
                          const CookieSecrets& secrets);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_COOKIE_H_
