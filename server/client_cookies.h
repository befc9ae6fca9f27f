// SPDX-License-Identifier: Apache-2.0
// Which clients have to show a cookie, and what becomes of those that do not.
#ifndef DOTCACHE_SERVER_CLIENT_COOKIES_H_
#define DOTCACHE_SERVER_CLIENT_COOKIES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "dns/cookie.h"
#include "dns/query.h"
#include "net/endpoint.h"

namespace dotcache {

enum class CookieMode : uint8_t {
  kOff,       // Cookies are ignored.
  kOn,        // Who sends one gets a server cookie.
  kRequired,  // Over UDP, who cannot show ours has to prove its address first.
};

// What a query's cookie means for its reply.
enum class CookieOutcome : uint8_t {
  kProceed,     // Answer as usual; query.reply_cookie is set where there is one to send.
  kTruncate,    // No cookie, and one is required: TC, so that the client comes over TCP.
  kBadCookie,   // BADCOOKIE, with the cookie to use.
  kCookieOnly,  // QDCOUNT 0: NOERROR with the cookie.
  kMalformed,   // QDCOUNT 0 while cookies are off: FORMERR.
};

// Reads a secret file (CookieSecrets::Parse()); without a name, new secrets. The error names the
// file and the line, never its text.
absl::StatusOr<CookieSecrets> LoadCookieSecrets(const std::string& file);

// The server's side of DNS cookies (RFC 7873 section 5.2, RFC 9018). Immutable, hence safe from any
// thread.
class ClientCookies {
 public:
  ClientCookies(CookieMode mode, const CookieSecrets& secrets) : mode_(mode), secrets_(secrets) {}

  // False: only queries with a cookie need to be judged.
  bool required() const { return mode_ == CookieMode::kRequired; }

  // Decides on a query, and sets its reply cookie.
  CookieOutcome Judge(const Endpoint& client, Transport transport, uint32_t now,
                      Query& query) const;

  // The same where cookies are off.
  static CookieOutcome WithoutCookies(const Query& query) {
    return query.has_question ? CookieOutcome::kProceed : CookieOutcome::kMalformed;
  }

 private:
  const CookieMode mode_;
  const CookieSecrets secrets_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_CLIENT_COOKIES_H_
