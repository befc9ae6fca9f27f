// SPDX-License-Identifier: Apache-2.0
// The servers of one zone with the same provider name: the unit that answers rightly or wrongly.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_PROVIDER_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_PROVIDER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "core/clock.h"
#include "dns/dns_types.h"
#include "upstream/api/origin_tag.h"
#include "upstream/exchange/query_budget.h"

namespace dotcache {

// Judges a provider by its error RCODEs. It is erring after eight errors within a minute, to at
// least four different names, that another provider answered, without a usable response in between.
// One usable response ends that. An error that the other provider confirms does not count, so a
// name that no provider answers has no influence. While a provider is erring, its servers are
// queried last, except that one query a second goes to it first. A value; not thread-safe.
class Provider {
 public:
  explicit Provider(std::string name) : name_(std::move(name)), origin_(OriginTag(name_)) {}

  const std::string& name() const { return name_; }
  uint16_t origin() const { return origin_; }  // For the responses of its servers.

  // It answered `rcode` to a name with this hash, and another provider answered the name. Returns
  // true if the provider is erring from now on.
  bool NoteWrongError(Rcode rcode, uint64_t name_hash, MonoTime now);

  // It gave a usable response. Returns true if it was erring until now.
  bool NoteUsable();

  bool erring() const { return erring_; }
  Rcode error() const { return rcode_; }
  int errors() const { return errors_; }

  // An operator has taken it out: its servers get no query.
  bool taken_out() const { return taken_out_; }
  void set_taken_out(bool taken_out) { taken_out_ = taken_out; }

  // True once a second while it is erring: the next query goes to it first.
  bool TakeProbe(MonoTime now);

  // A connection to it became silent. Returns true if its queries cost no retries: it is among the
  // first to be silent. A provider that drops queries under load has silent connections again and
  // again, which are not exempt.
  bool NoteStall(MonoTime now);

  // Retries because earlier queries to this provider are late: three for ten exchanges, or twenty a
  // second, whichever is more.
  QueryBudget& retries() { return retries_; }
  const QueryBudget& retries() const { return retries_; }

 private:
  static constexpr int kErrors = 8;
  static constexpr size_t kNames = 4;
  static constexpr Duration kWindow = Seconds(60);
  static constexpr Duration kProbeInterval = Seconds(1);
  static constexpr Duration kFirstStalls = Milliseconds(500);
  static constexpr Duration kNoStalls = Seconds(10);

  std::string name_;
  uint16_t origin_;
  QueryBudget retries_{0.3, 100, 20};
  bool taken_out_ = false;
  bool erring_ = false;
  Rcode rcode_ = Rcode::kServFail;
  int errors_ = 0;  // Since the latest usable response or the start of the window.
  MonoTime window_began_;
  std::array<uint64_t, kNames> names_ = {};  // Hashes of different names among them.
  size_t name_count_ = 0;
  MonoTime probed_;
  MonoTime stalls_began_;
  std::optional<MonoTime> stalled_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_PROVIDER_H_
