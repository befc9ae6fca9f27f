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

absl::string_view ServFailCauseName(ServFailCause cause) {
  constexpr std::array<absl::string_view, kServFailCauseCount> kNames = {
      "timeout",      "unreachable", "loop",       "errors",
      "bad-response", "limit",       "remembered", "stopping"};
  return kNames[static_cast<size_t>(cause)];
}

uint64_t WorkerCounters::Replies(Rcode rcode) const {
  uint64_t sum = 0;
  for (const auto& transports : responses) {
    for (const auto& slots : transports) sum += slots[RcodeSlot(rcode)].value();
  }
  return sum;
}

}  // namespace dotcache
