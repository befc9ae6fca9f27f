// SPDX-License-Identifier: Apache-2.0
// Decides from a query's DNS cookie how the query is answered.
#ifndef DOTCACHE_ANSWER_CLIENT_COOKIES_H_
#define DOTCACHE_ANSWER_CLIENT_COOKIES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "dns/cookie.h"
#include "dns/query.h"
#include "net/endpoint.h"

namespace dotcache {

enum class CookieMode : uint8_t {
  kOff,  // Cookies in queries are ignored.
  kOn,   // A query with a cookie gets a server cookie in its reply.
  // As kOn. In addition, a UDP query is answered only if it carries a valid server cookie.
  kRequired,
};

// The reaction to the cookie of a query.
enum class CookieOutcome : uint8_t {
  kProceed,  // Answer as usual. `query.reply_cookie` is set when the reply carries a cookie.
  // A cookie is required and the query has none. The reply has TC set, so that the client retries
  // over TCP.
  kTruncate,
  kBadCookie,   // The reply is BADCOOKIE and carries the cookie to use.
  kCookieOnly,  // The query has QDCOUNT 0. The reply is NOERROR with a cookie.
  kMalformed,   // The query has QDCOUNT 0 and cookies are off. The reply is FORMERR.
};

// Reads the secrets from `file` with CookieSecrets::Parse(). If `file` is empty, makes random
// secrets. An error names the file and the line, but never the secret.
absl::StatusOr<CookieSecrets> LoadCookieSecrets(const std::string& file);

// The server's side of DNS cookies (RFC 7873 section 5.2, RFC 9018). Immutable, so any thread may
// call it.
class ClientCookies {
 public:
  ClientCookies(CookieMode mode, const CookieSecrets& secrets) : mode_(mode), secrets_(secrets) {}

  // If false, Judge() is needed only for queries that carry a cookie.
  bool required() const { return mode_ == CookieMode::kRequired; }

  // Returns what to do with `query`, and sets `query.reply_cookie` and
  // `query.has_good_cookie`.
  CookieOutcome Judge(const Endpoint& client, Transport transport, uint32_t now,
                      Query& query) const;

  // Like Judge(), for a server on which cookies are off.
  static CookieOutcome WithoutCookies(const Query& query) {
    return query.has_question ? CookieOutcome::kProceed : CookieOutcome::kMalformed;
  }

 private:
  const CookieMode mode_;
  const CookieSecrets secrets_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_CLIENT_COOKIES_H_
