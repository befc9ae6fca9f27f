// SPDX-License-Identifier: Apache-2.0
// What the server says of itself, and instead of ANY.
#ifndef DOTCACHE_SERVER_OWN_ANSWERS_H_
#define DOTCACHE_SERVER_OWN_ANSWERS_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "dns/question.h"
#include "dns/response.h"

namespace dotcache {

// What an operator may let the server say. Nothing by default: a version helps attackers more than
// clients.
struct OwnAnswersOptions {
  // NSID (RFC 5001), id.server. and hostname.bind. (RFC 4892); empty: no NSID, REFUSED. At most 255
  // octets.
  std::string identity = {};
  // version.server. and version.bind.; empty: REFUSED. At most 255 octets.
  std::string version_text = {};
  // Answer ANY with one HINFO record (RFC 8482 section 4.2) instead of forwarding it.
  bool minimal_any = false;
};

// Answers that need neither cache nor upstream. Immutable, hence safe from any thread.
class OwnAnswers {
 public:
  explicit OwnAnswers(OwnAnswersOptions options) : options_(std::move(options)) {}

  // What NSID says; empty: nothing.
  absl::string_view identity() const { return options_.identity; }

  // Whether Answer() has a say: false for nearly all questions.
  bool Concerns(const Question& question) const {
    return question.qclass != QClass::kIn ||
           (options_.minimal_any && question.qtype == QType::kAny);
  }

  // The response as a stored message of age 0; nullopt: REFUSED. REQUIRES: Concerns(question).
  std::optional<StoredMessage> Answer(const Question& question) const;

 private:
  const OwnAnswersOptions options_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_OWN_ANSWERS_H_
