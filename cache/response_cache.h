// SPDX-License-Identifier: Apache-2.0
// The cache that all workers share.
#ifndef DOTCACHE_CACHE_RESPONSE_CACHE_H_
#define DOTCACHE_CACHE_RESPONSE_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cache/cache_entry.h"
#include "cache/cache_key.h"
#include "cache/cache_options.h"
#include "cache/live_ttl_caps.h"
#include "cache/positive_names.h"
#include "cache/shard_banks.h"

namespace dotcache {

// The outcome of a failed exchange.
struct Failure {
  // For the reply to the client (RFC 8914).
  ExtendedErrorCode extended_error = ExtendedErrorCode::kOther;
  // True: servers answered with an error, and a repeated failure is kept for longer each time.
  // False: no server answered, which may change within a second.
  bool grows = true;
  // Of the server that answered with an error.
  std::optional<ExtendedError> upstream_error = std::nullopt;
  Rcode rcode = Rcode::kServFail;  // For the reply. At most 15.
  uint16_t zone = 0;               // Whose servers failed: a number below CacheEntry::kOfName.
  uint16_t cause = 0;              // A number of the caller, for FailureCauseOf().
  // When the zone's servers last answered another name. The clock's epoch: never.
  MonoTime other_answered = MonoTime();
};

// A TTL-aware LRU cache of responses, bounded in octets and sharded by the key's hash. README.md in
// this folder lists which responses are kept, how long, and which entry answers a query. Any thread
// may call any function; each takes one shard's lock at a time, for a few dozen nanoseconds. Owned
// by the server; outlives the workers.
//
// Each shard has an equal share of the budget and enforces it. With a budget of 0 nothing is found
// and nothing stored.
class ResponseCache {
 public:
  ResponseCache(const CacheOptions& options, const HashSeed& seed);

  CacheOptions options() const;  // Those in use now.

  // Takes over the budget and the TTL bounds of `options`. The bounds concern what is stored from
  // now on. Another budget moves all entries, see ShardBanks::Resize().
  void Use(const CacheOptions& options, MonoTime now);

  const HashSeed& seed() const { return seed_; }

  // Returns the entry that answers the key's question. This is data of the key, or an NXDOMAIN for
  // the name (RFC 2308 section 5). Without both it is a failure.
  // `may_refresh`: the caller begins a refresh when Found::refresh_due is set.
  Found Lookup(const CacheKey& key, MonoTime now, bool may_refresh = true);

  // Stores a response as ttl_policy decides, in place of the key's data or failure. An NXDOMAIN for
  // the QNAME itself is stored for all types of the name, unless the name has data of another type.
  // Some servers deny a name that has data (RFC 4074 section 4.2), so such an NXDOMAIN is stored
  // for its own type. Returns the entry for the waiting clients, stored or not.
  CacheEntryRef Store(const CacheKey& key, Bytes response, const ResponseFacts& facts,
                      MonoTime now);

  // Records a failed exchange. Returns the data, fresh or stale, that answers clients instead. No
  // refresh of this data begins before CacheOptions::stale_recheck is over. Without such data the
  // failure itself is stored (RFC 9520), and null is returned.
  CacheEntryRef NoteFailure(const CacheKey& key, const Failure& failure, MonoTime now);

  // Like NoteFailure(), for a refresh that is slow but not over. Stores no failure.
  CacheEntryRef NoteSlowRefresh(const CacheKey& key, MonoTime now);

  // Stores `entry` as LruShard::Insert() does. REQUIRES: `entry` is not null.
  void Insert(const CacheKey& key, CacheEntryRef entry, MonoTime now);

  // Stores the part of an answer that ends with an alias, if it is fresh. Finds it while it is
  // fresh. It answers no query: the caller adds the answer for the alias' target.
  void InsertPart(const CacheKey& key, CacheEntryRef part, MonoTime now);
  CacheEntryRef FindPart(const CacheKey& key, MonoTime now);

  // Removes dead entries from the next `max_slots` slots of the tables, in a circle. Workers call
  // it from a timer. The cache has one slot for every 128 octets of budget. Returns the number of
  // entries removed.
  size_t SweepExpired(MonoTime now, size_t max_slots);

  // Removes the entries of `name` (canonical): of one type, or with QType::kNone of all types, and
  // then with `below` of all names below it too. Returns their number. An NXDOMAIN for all types of
  // the name counts to every type. An entry that is stored during the call may stay.
  uint64_t Erase(const DomainName& name, QType qtype, bool below = false);

  // The entry of `key`, with its hits, and without counting one.
  Peeked Peek(const CacheKey& key) const;

  // Removes all entries; returns their number.
  uint64_t Clear();

  // The sum of all shards, each read under its own lock.
  CacheStats Stats() const;

 private:
  friend class SnapshotAccess;  // Copies the entries and stores them again.

  uint64_t EraseNames(Bytes qname, bool below);
  bool HasOtherData(const CacheKey& key, MonoTime now);
  void NoteData(const CacheKey& key, MonoTime now);
  void LimitDenialToItsType(const CacheKey& all_types, MonoTime now);

  CacheEntryRef KnownAfterFailure(const CacheKey& key, MonoTime now);
  Found LookupAllTypes(const CacheKey& key, Found exact, MonoTime now, bool may_refresh);

  const CacheOptions options_;  // Those of the start.
  LiveTtlCaps ttl_caps_;
  const HashSeed seed_;
  ShardBanks shards_;
  PositiveNames positive_names_;
  // A bit for each value of CacheKey::flags() that an NXDOMAIN for all types was stored under.
  std::atomic<uint8_t> denied_flags_{0};
  std::atomic<size_t> sweep_shard_{0};
  std::atomic<bool> has_parts_{false};  // False until a part was stored.
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_RESPONSE_CACHE_H_
