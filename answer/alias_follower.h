// SPDX-License-Identifier: Apache-2.0
// Answers whose aliases lead to another zone.
#ifndef DOTCACHE_ANSWER_ALIAS_FOLLOWER_H_
#define DOTCACHE_ANSWER_ALIAS_FOLLOWER_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "answer/asker.h"
#include "answer/zone_names.h"
#include "cache/response_cache.h"
#include "core/clock.h"
#include "dns/alias_links.h"
#include "local/local_names.h"
#include "upstream/api/exchanger.h"

namespace dotcache {

// The parts of one answer, in order, and the question for the next one.
struct AliasChain {
  struct Part {
    CacheEntryRef entry;
    size_t records;  // So many records of its answer section are used.
  };

  Question question;  // The client's.
  uint8_t flags = 0;  // DO and CD, as in CacheKey::flags().
  MonoTime deadline;  // One for all parts.
  Asker asker;
  std::vector<Part> parts;
  Question next;
  bool complete = false;
  std::vector<DomainName> names;  // The names of all questions.
  size_t links = 0;
};

// Follows an alias to the end (RFC 1034 section 5.3.3) in three cases: the target is in another
// zone of this forwarder, the target is a local name, or the answer ends with the alias. Records of
// servers about names of other private zones are not used, so a target in a private zone is queried
// there only. If a private zone's server has the data of a target outside all zones, the data is
// used, and no provider sees that name.
//
// Each part is cached under its own name with its own TTL. The joined answer is cached under the
// QNAME, with the lowest TTL of all.
//
// The caller runs the exchanges. Bound to its loop's thread. Limits: kMaxLinks aliases where more
// than one part is joined.
class AliasFollower {
 public:
  static constexpr size_t kMaxLinks = 16;

  // Either may be null. All outlive this object.
  AliasFollower(ResponseCache& cache, const LocalNames* local_names, const ZoneNames* zones)
      : cache_(cache), local_names_(local_names), zones_(zones) {}

  void UseNames(const LocalNames* local_names, const ZoneNames* zones) {
    local_names_ = local_names;
    zones_ = zones;
  }

  enum class Step : uint8_t {
    kComplete,  // Join() has the answer.
    kAsk,       // An exchange for `chain.next` is needed.
    kBroken,    // The aliases form a loop, or are too many.
  };

  // True if a chain for the key may have a first part without an exchange.
  bool HasPart(const CacheKey& key, MonoTime now) const {
    const bool may_be_local = local_names_ != nullptr && local_names_->has_open_aliases();
    return may_be_local || cache_.FindPart(key, now) != nullptr;
  }

  // A chain without parts.
  static AliasChain Begin(const CacheKey& key, MonoTime deadline);

  // True if a response to `question` is only a part of the answer. One without aliases is whole.
  bool IsPart(const UpstreamResponse& response, const Question& question) const;

  // Adds parts from local names and from the cache until an exchange is needed.
  Step Collect(AliasChain& chain, MonoTime now);

  // Adds a response to `chain.next`. REQUIRES: it is an answer or a denial.
  void Add(AliasChain& chain, const UpstreamResponse& response, MonoTime now);

  // The response to `chain.question`. kAliases if it is too large. REQUIRES: the chain is
  // complete.
  ExchangeOr<UpstreamResponse> Join(const AliasChain& chain, MonoTime now) const;

  CacheKey KeyFor(const AliasChain& chain, const Question& question) const {
    return CacheKey(question, (chain.flags & CacheKey::kDnssecOk) != 0,
                    (chain.flags & CacheKey::kCheckingDisabled) != 0, cache_.seed());
  }

 private:
  // The link after which the response is not used. nullopt if all of it is.
  std::optional<AliasLink> FindCut(const UpstreamResponse& response,
                                   const Question& question) const;
  // True if the server that answered `from` does not decide about `to`. `has_data`: its answer does
  // not end with an alias.
  bool IsElsewhere(const Question& from, const Question& to, bool has_data) const;
  // Each adds a part for `chain.next`. False without one.
  bool AddLocal(AliasChain& chain, MonoTime now);
  bool AddCached(AliasChain& chain, MonoTime now);
  static void AddPart(AliasChain& chain, CacheEntryRef entry, bool ends);

  ResponseCache& cache_;
  const LocalNames* local_names_;
  const ZoneNames* zones_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_ALIAS_FOLLOWER_H_
