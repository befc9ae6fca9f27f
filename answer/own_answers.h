// SPDX-License-Identifier: Apache-2.0
// Answers about this server, and minimal answers to QTYPE ANY.
#ifndef DOTCACHE_ANSWER_OWN_ANSWERS_H_
#define DOTCACHE_ANSWER_OWN_ANSWERS_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "dns/question.h"
#include "dns/response.h"

namespace dotcache {

// Server identity (NSID, CHAOS TXT) and the handling of QTYPE ANY. By default the server does not
// name itself: a version helps attackers more than clients.
struct OwnAnswersOptions {
  // The text of NSID (RFC 5001), of id.server. and of hostname.bind. (RFC 4892). At most 255
  // octets. If empty, replies carry no NSID and the two names get REFUSED.
  std::string identity = {};
  // The text of version.server. and version.bind. At most 255 octets. If empty, these names get
  // REFUSED.
  std::string version_text = {};
  // If set, ANY is answered with one HINFO record (RFC 8482 section 4.2) and is not forwarded.
  bool minimal_any = false;
};

// Makes the answers that need neither the cache nor an upstream server. Immutable, so any thread
// may call it.
class OwnAnswers {
 public:
  explicit OwnAnswers(OwnAnswersOptions options) : options_(std::move(options)) {}

  // The text of NSID. If empty, replies carry none.
  absl::string_view identity() const { return options_.identity; }

  // Returns true if Answer() must be called for `question`. False for nearly all questions.
  bool Concerns(const Question& question) const {
    return question.qclass != QClass::kIn ||
           (options_.minimal_any && question.qtype == QType::kAny);
  }

  // Returns the response as a stored message of age 0, or std::nullopt for REFUSED.
  // REQUIRES: Concerns(question).
  std::optional<StoredMessage> Answer(const Question& question) const;

 private:
  const OwnAnswersOptions options_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_OWN_ANSWERS_H_
