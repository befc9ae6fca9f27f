// SPDX-License-Identifier: Apache-2.0
// Test queries that show whether an upstream server leads back to this process: their names, and
// the servers that get them.
#ifndef DOTCACHE_UPSTREAM_POOL_LOOP_PROBE_H_
#define DOTCACHE_UPSTREAM_POOL_LOOP_PROBE_H_

#include <cstdint>
#include <optional>

#include "dns/domain_name.h"
#include "net/endpoint.h"

namespace dotcache {

// <16 hexadecimal digits>._loop-check.<zone>: a name that does not exist and is in no cache. It is
// no special-use name, which a server might answer itself instead of forwarding it. nullopt if the
// zone's name leaves no room.
std::optional<DomainName> LoopProbeName(uint64_t number, const DomainName& zone);

// The number in such a name of any forwarder; nullopt for any other name, after a look at two
// octets for nearly all. REQUIRES: `name` is canonical.
std::optional<uint64_t> ReadLoopProbeName(const DomainName& name);

// Whether a query to this address may come back: true for addresses that are not globally routable,
// and for those of this machine. Public providers never get a test query.
bool MayLeadBack(const Endpoint& server);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_LOOP_PROBE_H_
