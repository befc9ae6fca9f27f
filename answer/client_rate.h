// SPDX-License-Identifier: Apache-2.0
// Limits the queries of each client.
#ifndef DOTCACHE_ANSWER_CLIENT_RATE_H_
#define DOTCACHE_ANSWER_CLIENT_RATE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/clock.h"
#include "core/rate_table.h"
#include "core/siphash.h"
#include "net/client_key.h"
#include "net/endpoint.h"

namespace dotcache {

// What a UDP query above the rate gets.
enum class OverRate : uint8_t {
  kTruncate,  // A truncated reply, so that a real client retries over TCP.
  kRefuse,
  kDrop,
};
absl::string_view OverRateName(OverRate action);

struct ClientRateOptions {
  EventRate rate{0, 0};  // Of each client. 0 per second: no limit. A burst of 0 is twice the rate.
  OverRate over_udp = OverRate::kTruncate;

  friend bool operator==(const ClientRateOptions& a, const ClientRateOptions& b) {
    return a.rate == b.rate && a.over_udp == b.over_udp;
  }
};

// How many queries of a client were above its rate.
struct LimitedClient {
  std::string network;  // "192.0.2.1/32". Empty: all queries that count without their client.
  uint64_t queries = 0;
};

// A token bucket of queries for each client (ClientKey). A query takes a token; above the rate it
// takes none. All clients of an IPv6 /48, which may be one site, have kSiteFactor times as many.
// The common rate does not concern clients on loopback, because all programs of this machine have
// those addresses.
//
// The address of a UDP query may be spoofed. So a client has a second bucket for its queries over
// TCP and DoT and with a valid server cookie: a flood in its name does not use up that one.
//
// All workers share it; any thread may call it. Its memory is fixed (RateTable). It counts the
// queries above the rate of up to kMaxLimited clients. No worker waits for another one: while one
// counts, the query of another counts without its client.
class ClientRate {
 public:
  static constexpr int kSiteFactor = 20;
  static constexpr size_t kMaxLimited = 256;

  // `others` are the rates of access rules.
  ClientRate(const ClientRateOptions& options, const std::vector<EventRate>& others);

  bool HasRates(const ClientRateOptions& options, const std::vector<EventRate>& others) const {
    return options_ == options && others_ == others;
  }
  // False if no client has a limit. Allows() is then not needed.
  bool enabled() const;
  OverRate over_udp() const { return options_.over_udp; }

  // Takes a token of the client. `rate` is that of AccessVerdict, and `proved` tells whether the
  // address cannot be spoofed. Returns false above the rate.
  bool Allows(const Endpoint& client, size_t rate, bool proved, MonoTime now);

  // Returns the clients that were above their rate since the previous call, most queries first.
  std::vector<LimitedClient> TakeLimited();

 private:
  // The buckets of one rate.
  struct Buckets {
    explicit Buckets(const EventRate& wanted);
    EventRate rate;
    RateTable clients;
    RateTable sites;
  };

  void NoteLimited(const ClientKey& client, const Endpoint& address);

  const ClientRateOptions options_;
  const std::vector<EventRate> others_;
  const HashSeed seed_ = HashSeed::Random();
  std::vector<Buckets> buckets_;  // The common rate, then the others.
  std::mutex mutex_;
  absl::flat_hash_map<ClientKey, LimitedClient> limited_;  // Guarded by mutex_.
  std::atomic<uint64_t> limited_beyond_{0};                // Queries of clients without an entry.
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_CLIENT_RATE_H_
