// SPDX-License-Identifier: Apache-2.0
// The aliases in a checked answer, and joining answers that aliases connect.
#ifndef DOTCACHE_DNS_ALIAS_LINKS_H_
#define DOTCACHE_DNS_ALIAS_LINKS_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "dns/domain_name.h"
#include "dns/question.h"

namespace dotcache {

// One link of the chain in an answer section: a CNAME that leads to `target`.
struct AliasLink {
  DomainName target;   // Canonical.
  size_t records = 0;  // The records up to here, with the signatures of this CNAME.
  size_t end = 0;      // Where the last of them ends in the message.
};

// The links of the answer, in order. REQUIRES: the message has passed InspectResponse(), and is in
// the form that is relayed. Then its answer is in the order of the chain.
std::vector<AliasLink> ReadAliasLinks(Bytes message, const Question& question);

// One of the messages to join.
struct AnswerPart {
  Bytes message;       // As stored.
  Seconds age{0};      // Subtracted from its TTLs.
  size_t records = 0;  // So many records of its answer section are used.
};

// A response to `question` with the answers of all parts, in order. RCODE, authority and additional
// section are those of the last part, and AD is set if all parts have it. nullopt if it would be
// longer than 65,535 octets, with all names in full. The result is to be inspected like a response.
// REQUIRES: there is a part; each one is a stored message with a question.
std::optional<WireMessage> JoinAnswers(const Question& question,
                                       absl::Span<const AnswerPart> parts);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_ALIAS_LINKS_H_
