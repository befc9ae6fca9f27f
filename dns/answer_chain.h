// SPDX-License-Identifier: Apache-2.0
// Follows the aliases in the answer section of a response.
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

inline constexpr size_t kMaxChainLinks = 32;  // CNAMEs and DNAMEs between the QNAME and the data.

// Follows the aliases from the QNAME to the data, and marks the records that take part. It works
// like a resolver (RFC 1034 section 5.3.3, RFC 6672 section 3.2): from name to name, until there is
// data of the QTYPE or no further alias. Other data at a name with a CNAME is ignored (RFC 1034
// section 3.6.2).
//
// Names are compared by hash. After a hash collision, a record of another name is relayed. That
// does no harm: the upstream server could have sent the same data with the right name.
//
// Holds references: response, records and question must outlive it. Not thread-safe.
class AnswerChain {
 public:
  AnswerChain(Bytes response, const ResponseRecords& records, const Question& question);

  // Follows the chain. False when the chain has a loop, is too long or contradicts itself. Two
  // cases are contradictions: two different CNAMEs of one name, and a CNAME that its DNAME does not
  // produce.
  bool Follow();

  size_t record_count() const { return count_; }  // Records in the answer section.
  bool found() const { return found_; }           // There is data of the QTYPE.
  bool has_alias() const { return name_hashes_.size() > 1; }
  const DomainName& end() const { return end_; }  // The last name of the chain; canonical.
  const absl::InlinedVector<size_t, 4>& name_hashes() const { return name_hashes_; }

  // True when the record with this index takes part in the chain. REQUIRES: index < record_count().
  bool IsRelated(size_t index) const { return related_[index]; }

 private:
  bool IsAsked(QType type) const {
    return type == question_.qtype || question_.qtype == QType::kAny;
  }

  // The index of the CNAME of end_, or count_ when there is none. nullopt when two CNAMEs differ.
  std::optional<size_t> FindCname() const;

  // Marks the records of end_ that have the QTYPE or are CNAMEs. For an alias, only the CNAMEs.
  void ReadRecordsOfEnd(bool is_alias);

  // Sets `substituted` to the name that a DNAME above end_ produces, if there is one. False when
  // that name is too long, or when there are more DNAMEs than a chain can use.
  bool Substitute(std::optional<DomainName>& substituted);

  const Bytes response_;
  const ResponseRecords& records_;
  const Question& question_;
  DomainName end_;
  size_t count_ = 0;
  absl::InlinedVector<bool, 16> related_;  // By index into records_.
  absl::InlinedVector<size_t, 4> dnames_;  // Indices of DNAMEs and of their RRSIGs.
  absl::InlinedVector<size_t, 4> name_hashes_;
  bool found_ = false;
};

}  // namespace dotcache

#endif  // DOTCACHE_DNS_ANSWER_CHAIN_H_
