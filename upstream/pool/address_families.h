// SPDX-License-Identifier: Apache-2.0
// Whether IPv4 and IPv6 work from here.
#ifndef DOTCACHE_UPSTREAM_POOL_ADDRESS_FAMILIES_H_
#define DOTCACHE_UPSTREAM_POOL_ADDRESS_FAMILIES_H_

#include <array>
#include <cstddef>
#include <vector>

#include "upstream/api/upstream_failure.h"

namespace dotcache {

// Learns from connects and answers whether each address family works. A family is broken if two of
// its servers could not be reached since the latest success, and the other family works. Its
// servers then come last for all names, except connected ones, until one of them is reached.
// Belongs to one UpstreamManager; not thread-safe.
class AddressFamilies {
 public:
  // Logs a line when a family breaks or works again, if `log_changes`.
  explicit AddressFamilies(bool log_changes) : log_changes_(log_changes) {}

  // A server of the family was connected to, or sent a message.
  void NoteReached(bool is_v6);

  // An attempt to connect to the server with this index ended so. What came from the server itself,
  // such as a reset or a certificate, shows that the family works.
  void NoteFailure(bool is_v6, int server_index, UpstreamFailure failure);

  bool broken(bool is_v6) const { return family(is_v6).broken; }

  // The network has changed: both families are unknown again.
  void Forget() { families_ = {}; }

 private:
  struct Family {
    bool reached = false;          // Ever,
    std::vector<int> unreachable;  // and who was not since: two servers at most.
    bool broken = false;
  };

  Family& family(bool is_v6) { return families_[is_v6 ? 1 : 0]; }
  const Family& family(bool is_v6) const { return families_[is_v6 ? 1 : 0]; }
  bool Fails(bool is_v6) const;
  void Judge();

  const bool log_changes_;
  std::array<Family, 2> families_;  // IPv4, IPv6.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_ADDRESS_FAMILIES_H_
