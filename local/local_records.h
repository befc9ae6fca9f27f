// SPDX-License-Identifier: Apache-2.0
// Local records: records that the operator configured.
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

// Where a record comes from.
enum class RecordSource : uint8_t { kText, kHostsFile };

// The configured names with their records. A name with a record is answered locally for every type.
// The response has the RRset, or the CNAME with the target's records, or NODATA. Names above and
// below it are not affected, because records do not make a zone.
//
// A name whose records are all from hosts files is answered for the types of addresses (A, AAAA,
// HTTPS, SVCB) and PTR only. A hosts file cannot have records of other types.
//
// Immutable and therefore safe from any thread. A name that is not here costs one hash lookup. A
// name with one address takes about 150 octets.
class LocalRecords {
 public:
  static constexpr size_t kMaxRecords = 1000000;
  static constexpr size_t kMaxRrsetOctets = 48 * 1024;  // Makes each response fit in a message.
  static constexpr int kMaxChain = 16;                  // Consecutive CNAMEs.

  // Collects records. Responses contain them in the order of Add(). For one thread.
  class Builder {
   public:
    Builder();
    ~Builder();

    // Adds a record. A duplicate is ignored. All records of an RRset get the lowest TTL (RFC 2181
    // section 5.2). kInvalidArgument beyond the limits above.
    absl::Status Add(const ResourceRecord& record, RecordSource source = RecordSource::kText);

    // True when the name has a record of this type.
    bool Has(const DomainName& name, QType type) const;

    // Appends the faults of CNAMEs to `errors`:
    // - other data at the same name (RFC 2181 section 10.1);
    // - a loop, or a chain that is too long.
    // A target without local records is resolved like any name.
    void Check(std::vector<std::string>& errors) const;

    // Builds the result; `negative_ttl` is the TTL of NODATA. REQUIRES: Check() found no error. The
    // builder is empty afterwards.
    std::unique_ptr<const LocalRecords> Build(uint32_t negative_ttl);

   private:
    std::unique_ptr<LocalRecords> records_;
  };

  // The response as a stored message of age 0. nullopt for a name without records, and for a type
  // that its hosts file cannot have. QTYPE ANY gets one RRset (RFC 8482 section 4.1).
  // `open` is set to whether the response ends with an alias whose target has no local records.
  std::optional<StoredMessage> Answer(const Question& question, bool* open = nullptr) const;

  // True when a CNAME leads to a name without local records.
  bool has_open_aliases() const { return has_open_aliases_; }

  // True when the name has records. REQUIRES: `name` is canonical.
  bool Holds(const DomainName& name) const { return Find(name) != nullptr; }

  size_t record_count() const { return record_count_; }

 private:
  struct Rrset {
    QType type;
    RecordSource source;  // kHostsFile: all items are from hosts files.
    uint32_t ttl;
    std::string items;  // Each RDATA after its length of two octets.
  };
  using Rrsets = absl::InlinedVector<Rrset, 1>;

  LocalRecords() = default;
  const Rrsets* Find(const DomainName& canonical) const;
  static const Rrset* Pick(const Rrsets& rrsets, QType type);
  static bool Concerns(const Rrsets& rrsets, QType qtype);
  std::string CnameError(const Rrsets* rrsets) const;

  absl::flat_hash_map<std::string, Rrsets> names_;  // By canonical wire form.
  size_t record_count_ = 0;
  uint32_t negative_ttl_ = 0;
  bool has_open_aliases_ = false;
};

}  // namespace dotcache

#endif  // DOTCACHE_LOCAL_LOCAL_RECORDS_H_
