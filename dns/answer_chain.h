// SPDX-License-Identifier: Apache-2.0
// The records of an answer section that belong to the question.
#ifndef DOTCACHE_DNS_ANSWER_CHAIN_H_
#define DOTCACHE_DNS_ANSWER_CHAIN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "core/bytes.h"
#include "dns/domain_name.h"
#include "dns/question.h"
#include "dns/response_walk.h"

namespace dotcache {

inline constexpr size_t kMaxChainLinks = 32;  // CNAMEs and DNAMEs from the QNAME to the data.

// A CNAME that a DNAME implies and the response lacks (RFC 6672 section 3.1).
struct SynthesizedCname {
  size_t dname = 0;  // Index of the DNAME.
  DomainName owner;
  DomainName target;
};

// Follows the aliases of an answer from the QNAME to the data (RFC 1034 section 5.3.3, RFC 6672
// section 3.2). Finds the records that take part, and their order. If a name has a CNAME, its other
// data is ignored (RFC 1034 section 3.6.2). Names are compared by hash. A false match would only
// relay a record that the upstream server could have sent under the right name.
//
// Holds references: response, records and question must outlive it. Not thread-safe.
class AnswerChain {
 public:
  enum class Outcome {
    kComplete,
    // The chain has a loop or is too long; a name has two different CNAMEs; or a CNAME contradicts
    // the DNAME above it.
    kBroken,
    kNameTooLong,  // A DNAME makes a name of more than 255 octets (RFC 6672 section 2.2).
  };

  AnswerChain(Bytes response, const ResponseRecords& records, const Question& question);

  Outcome Follow();

  size_t record_count() const { return count_; }  // Of the answer section.
  bool found() const { return found_; }           // There is data of the asked type.
  bool has_alias() const { return name_hashes_.size() > 1; }
  const DomainName& end() const { return end_; }  // Canonical.
  const absl::InlinedVector<size_t, 4>& name_hashes() const { return name_hashes_; }

  // True when the record with this index takes part. REQUIRES: index < record_count().
  bool IsRelated(size_t index) const { return places_[index] != kNowhere; }

  // CNAMEs to add. The one with index n has its place in Layout() as records.size() + n.
  const std::vector<SynthesizedCname>& synthesized() const { return synthesized_; }

  // True when the records that take part stand in the order of the walk, and none is to be added.
  bool InOrder() const;

  // The records that take part, in the order of the walk (RFC 1034 section 4.3.1). Each name has
  // its DNAME first, then its CNAME. The data is last. Signatures follow the RRset that they cover.
  std::vector<size_t> Layout() const;

  // Gives each CNAME that a DNAME implies, and that no RRSIG covers, the TTL of the DNAME (RFC 6672
  // section 3.1). REQUIRES: `records` are those of the constructor.
  void AlignCnameTtls(ResponseRecords& records) const;

 private:
  // Where a record stands in the walk: the number of the link, then the kind of record.
  using Place = uint8_t;
  static constexpr Place kNowhere = 0xff;
  enum Kind : uint8_t { kDname, kCname, kData, kKinds };
  static_assert((kMaxChainLinks + 1) * kKinds < kNowhere);

  struct CnameOfDname {
    size_t cname;
    size_t dname;
  };

  bool IsAsked(QType type) const {
    return type == question_.qtype || question_.qtype == QType::kAny;
  }

  // Notes that the record takes part in the link that is being followed.
  void Relate(size_t index, Kind kind);

  // True when `a` comes before `b` in the walk; both are of the answer section.
  bool IsBefore(size_t a, size_t b) const;

  // The index of the CNAME that end_ owns, or count_ without a CNAME. nullopt when two CNAMEs
  // differ.
  std::optional<size_t> FindCname() const;

  // Notes the records of end_ that have the queried type or are CNAMEs. For an alias, notes only
  // its CNAMEs.
  void ReadRecordsOfEnd(bool is_alias);

  // The DNAME above end_, if there is one, and the name that it makes from end_.
  struct Substitution {
    Outcome outcome = Outcome::kComplete;
    size_t dname = 0;
    std::optional<DomainName> name;
  };
  Substitution Substitute();

  const Bytes response_;
  const ResponseRecords& records_;
  const Question& question_;
  DomainName end_;
  size_t count_ = 0;
  absl::InlinedVector<Place, 32> places_;  // By index into records_.
  absl::InlinedVector<size_t, 4> dnames_;  // Indices of DNAMEs and their RRSIGs.
  absl::InlinedVector<size_t, 4> name_hashes_;
  std::vector<SynthesizedCname> synthesized_;
  std::vector<Place> synthesized_places_;
  std::vector<CnameOfDname> cnames_of_dnames_;
  bool found_ = false;
};

}  // namespace dotcache

#endif  // DOTCACHE_DNS_ANSWER_CHAIN_H_
