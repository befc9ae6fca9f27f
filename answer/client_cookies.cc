// SPDX-License-Identifier: Apache-2.0
#include "answer/client_cookies.h"

#include <array>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace dotcache {

absl::StatusOr<CookieSecrets> LoadCookieSecrets(const std::string& file) {
  if (file.empty()) return CookieSecrets::Random();
  std::ifstream in(file, std::ios::binary);
  std::array<char, 4097> text;
  in.read(text.data(), text.size());
  if (!in.is_open() || in.bad()) {
    return absl::NotFoundError(absl::StrCat(file, ": cannot be read"));
  }
  const auto size = static_cast<size_t>(in.gcount());
  if (size == text.size()) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": has more than 4096 octets"));
  }
  absl::StatusOr<CookieSecrets> secrets = CookieSecrets::Parse({text.data(), size});
  if (secrets.ok()) return secrets;
  return absl::InvalidArgumentError(absl::StrCat(file, ": ", secrets.status().message()));
}

CookieOutcome ClientCookies::Judge(const Endpoint& client, Transport transport, uint32_t now,
                                   Query& query) const {
  if (mode_ == CookieMode::kOff) return WithoutCookies(query);
  // A stream has shown that the client is where it says it is.
  const bool required = mode_ == CookieMode::kRequired && transport == Transport::kUdp;
  if (query.edns.cookie.size == 0) {
    return required ? CookieOutcome::kTruncate : CookieOutcome::kProceed;
  }
  const CookieVerdict verdict = JudgeCookie(query.edns.cookie, client.octets(), now, secrets_);
  query.reply_cookie = verdict.reply;
  query.has_good_cookie = verdict.state == CookieState::kGood;
  if (!query.has_question) {  // RFC 7873 section 5.4.
    return verdict.state == CookieState::kBad ? CookieOutcome::kBadCookie
                                              : CookieOutcome::kCookieOnly;
  }
  return required && verdict.state != CookieState::kGood ? CookieOutcome::kBadCookie
                                                         : CookieOutcome::kProceed;
}

}  // namespace dotcache
