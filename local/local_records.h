// SPDX-License-Identifier: Apache-2.0
// Records that the operator wrote, answered here.
#ifndef DOTCACHE_LOCAL_LOCAL_RECORDS_H_
#define DOTCACHE_LOCAL_LOCAL_RECORDS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "dns/question.h"
#include "dns/record_text.h"
#include "dns/response.h"

namespace dotcache {

// Names with all that is known of them here. A name that has a record is answered here for every
// type: with the RRset, with its CNAME and what that leads to, or with NODATA. Names above and
// below it are not touched: records make no zone. Immutable, hence safe from any thread; one hash
// probe for a name that is not here. Takes some 150 octets for a name with one address.
class LocalRecords {
 public:
  static constexpr size_t kMaxRecords = 1000000;
  static constexpr size_t kMaxRrsetOctets = 48 * 1024;  // So that each response fits a message.
  static constexpr int kMaxChain = 16;                  // CNAMEs in a row.

  // Collects records, in the order in which they shall be answered. For one thread.
  class Builder {
   public:
    Builder();
    ~Builder();

    // A record that is there already is ignored; an RRset has the lowest of its TTLs (RFC 2181
    // section 5.2). kInvalidArgument beyond the limits above.
    absl::Status Add(const ResourceRecord& record);

    // True when the name has such a record.
    bool Has(const DomainName& name, QType type) const;

    // Appends to `errors` what is wrong with CNAMEs: other data at the same name (RFC 2181 section
    // 10.1), a loop, a chain that is too long, or a target without records here. Clients take an
    // answer for whole, and nobody would fetch the rest.
    void Check(std::vector<std::string>& errors) const;

    // `negative_ttl` is for NODATA. REQUIRES: Check() found nothing. The builder is empty
    // afterwards.
    std::unique_ptr<const LocalRecords> Build(uint32_t negative_ttl);

   private:
    std::unique_ptr<LocalRecords> records_;
  };

  // The response as a stored message of age 0; nullopt for a name without records. For ANY one
  // RRset (RFC 8482 section 4.1).
  std::optional<StoredMessage> Answer(const Question& question) const;

  size_t record_count() const { return record_count_; }
  size_t name_count() const { return names_.size(); }

 private:
  struct Rrset {
    QType type;
    uint32_t ttl;
    std::string items;  // Each RDATA behind its length, two octets.
  };
  using Rrsets = absl::InlinedVector<Rrset, 1>;

  LocalRecords() = default;
  const Rrsets* Find(const DomainName& canonical) const;
  static const Rrset* Pick(const Rrsets& rrsets, QType type);
  std::string CnameError(const Rrsets* rrsets) const;

  absl::flat_hash_map<std::string, Rrsets> names_;  // By canonical wire form.
  size_t record_count_ = 0;
  uint32_t negative_ttl_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_LOCAL_LOCAL_RECORDS_H_
