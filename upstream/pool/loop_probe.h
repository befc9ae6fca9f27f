// SPDX-License-Identifier: Apache-2.0
// Queries that show whether an upstream server leads back to this one: their names, and whom to
// ask.
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

// Whether what is sent there can sensibly come back: addresses that are not globally routable, and
// those of this machine. Public providers never see a probe.
bool MayLeadBack(const Endpoint& server);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_LOOP_PROBE_H_
