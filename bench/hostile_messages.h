// SPDX-License-Identifier: Apache-2.0
// Messages that are made to cost a parser much time or memory.
#ifndef DOTCACHE_BENCH_HOSTILE_MESSAGES_H_
#define DOTCACHE_BENCH_HOSTILE_MESSAGES_H_

#include <string>
#include <vector>

#include "core/bytes.h"

namespace dotcache {

struct HostileMessage {
  std::string name;
  WireMessage octets;
};

// Queries of at most 512 octets, the usual size over UDP.
std::vector<HostileMessage> SmallHostileQueries();

// Queries near 65,535 octets.
std::vector<HostileMessage> LargeHostileQueries();

// Responses to kHostileName A near 65,535 octets. Most of them are well formed.
std::vector<HostileMessage> LargeHostileResponses();

inline constexpr char kHostileName[] = "www.example.com";

}  // namespace dotcache

#endif  // DOTCACHE_BENCH_HOSTILE_MESSAGES_H_
