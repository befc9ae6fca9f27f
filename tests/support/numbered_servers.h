// SPDX-License-Identifier: Apache-2.0
// Options of upstream servers with the addresses 192.0.2.1, 192.0.2.2, and so on.
#ifndef DOTCACHE_TESTS_SUPPORT_NUMBERED_SERVERS_H_
#define DOTCACHE_TESTS_SUPPORT_NUMBERED_SERVERS_H_

#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "upstream/api/upstream_options.h"

namespace dotcache {

inline size_t CountServers(const std::vector<UpstreamZoneOptions>& zones) {
  size_t servers = 0;
  for (const UpstreamZoneOptions& zone : zones) servers += zone.servers.size();
  return servers;
}

// Adds a server with the next address to a zone.
inline UpstreamServerOptions& AddNumberedServer(std::vector<UpstreamZoneOptions>& zones,
                                                size_t zone) {
  const size_t number = CountServers(zones) + 1;
  UpstreamServerOptions& server = zones[zone].servers.emplace_back();
  server.endpoint = *Endpoint::Parse(absl::StrCat("192.0.2.", number, ":853"));
  return server;
}

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_NUMBERED_SERVERS_H_
