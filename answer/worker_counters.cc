// SPDX-License-Identifier: Apache-2.0
#include "answer/worker_counters.h"

namespace dotcache {

absl::string_view LimitName(Limit limit) {
  constexpr std::array<absl::string_view, kLimitCount> kNames = {"pending-queries",
                                                                 "waiters-per-query",
                                                                 "per-client",
                                                                 "waiters",
                                                                 "upstream",
                                                                 "connections",
                                                                 "connections-per-client",
                                                                 "handshakes",
                                                                 "unread",
                                                                 "unfinished",
                                                                 "hand-off",
                                                                 "client-rate"};
  return kNames[static_cast<size_t>(limit)];
}

}  // namespace dotcache
