// SPDX-License-Identifier: Apache-2.0
// The state of one upstream server at one time.
#ifndef DOTCACHE_UPSTREAM_POOL_SERVER_STATUS_H_
#define DOTCACHE_UPSTREAM_POOL_SERVER_STATUS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/clock.h"
#include "upstream/api/upstream_failure.h"

namespace dotcache {

// Log lines, metrics and /explain use the names of these.
enum class ServerState : uint8_t {
  kUp,
  kOnTrial,    // All its connections are silent. It is queried after the servers that are up.
  kDown,       // It gets probes and no queries.
  kDead,       // Down, and nothing came back for a second after it was tried.
  kNoAddress,  // A slot of a host name without an address.
  kNoCarrier,  // The link to it has no carrier.
  kLoop,       // Queries sent to it come back.
};

absl::string_view ServerStateName(ServerState state);

// A value, computed by UpstreamServer::StatusAt().
struct ServerStatus {
  ServerState state = ServerState::kUp;
  // Of the latest transport failure, unless the server is up.
  UpstreamFailure last_failure = UpstreamFailure::kTimeout;
  bool ready = false;          // A connection is ready and has room.
  bool family_broken = false;  // It is not connected, and its address family does not work.
  bool is_v6 = false;
  bool may_drop = false;  // It may drop what comes while it works on another query.
  // While it is down: a probe is under way; a query may ask for one now; a certificate failed and
  // the time for the next one has not come.
  bool probing = false;
  bool may_probe = false;
  bool rests = false;
  int in_flight = 0;
  std::optional<Duration> response_time;  // nullopt: unknown.
  std::optional<Duration> slow_response_time;
  MonoTime takes_from;     // Until then it is not connected, and no connect may begin.
  MonoTime next_probe;     // While it is down.
  MonoTime probe_failed;   // The end of the latest probe that failed; the clock's epoch: never.
  MonoTime probe_began;    // The start of the latest attempt to connect.
  MonoTime in_vain_since;  // The first try since the latest sign of life; or now.

  bool TakesQueries() const { return state == ServerState::kUp || state == ServerState::kOnTrial; }
  bool down() const { return state == ServerState::kDown || state == ServerState::kDead; }
  // A probe cannot help it.
  bool unusable() const { return state >= ServerState::kNoAddress; }
};

// Tried without a result for so long, a server is dead and not merely starting again.
inline constexpr Duration kDeadAfter = Seconds(1);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_SERVER_STATUS_H_
