// SPDX-License-Identifier: Apache-2.0
// What the answer section of a response says about the question.
#ifndef DOTCACHE_DNS_ANSWER_CHAIN_H_
#define DOTCACHE_DNS_ANSWER_CHAIN_H_

#include <cstddef>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "core/bytes.h"
#include "dns/domain_name.h"
#include "dns/question.h"
#include "dns/response_walk.h"

namespace dotcache {

inline constexpr size_t kMaxChainLinks = 32;  // CNAMEs and DNAMEs from the QNAME to the data.

// Where the aliases lead, and which records take part. It is read like a resolver reads it (RFC
// 1034 section 5.3.3, RFC 6672 section 3.2), from name to name, until there is data of the asked
// type or no further alias; where a CNAME stands, other data of the same name does not count (RFC
// 1034 section 3.6.2). Names are matched by hash: a false match, were it possible to bring about,
// would only relay what the upstream server could as well have said of the right name.
//
// Holds references: response, records and question must outlive it. Not thread-safe.
class AnswerChain {
 public:
  AnswerChain(Bytes response, const ResponseRecords& records, const Question& question);

  // Follows the chain. False when it has a loop, is too long or contradicts itself: a name with two
  // different CNAMEs, or a CNAME that is not what the DNAME above it makes of the name.
  bool Follow();

  size_t record_count() const { return count_; }  // Of the answer section.
  bool found() const { return found_; }           // There is data of the asked type.
  bool has_alias() const { return name_hashes_.size() > 1; }
  const DomainName& end() const { return end_; }  // Canonical.
  const absl::InlinedVector<size_t, 4>& name_hashes() const { return name_hashes_; }

  // True when the record with this index takes part. REQUIRES: index < record_count().
  bool IsRelated(size_t index) const { return related_[index]; }

 private:
  bool IsAsked(QType type) const {
    return type == question_.qtype || question_.qtype == QType::kAny;
  }

  // The index of the CNAME that end_ owns, or count_. nullopt when there are two that differ.
  std::optional<size_t> FindCname() const;

  // Marks what end_ owns of the asked type and of CNAME; of CNAME alone for an alias.
  void ReadRecordsOfEnd(bool is_alias);

  // What the DNAME above end_ makes of it, if there is one. False when that is no name, or when
  // there are more DNAMEs than a chain can use.
  bool Substitute(std::optional<DomainName>& substituted);

  const Bytes response_;
  const ResponseRecords& records_;
  const Question& question_;
  DomainName end_;
  size_t count_ = 0;
  absl::InlinedVector<bool, 16> related_;  // By index into records_.
  absl::InlinedVector<size_t, 4> dnames_;  // Indices of DNAMEs and of what signs them.
  absl::InlinedVector<size_t, 4> name_hashes_;
  bool found_ = false;
};

}  // namespace dotcache

#endif  // DOTCACHE_DNS_ANSWER_CHAIN_H_
