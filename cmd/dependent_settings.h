// SPDX-License-Identifier: Apache-2.0
// What depends on the machine or on more than one setting: defaults, limits and errors.
#ifndef DOTCACHE_CMD_DEPENDENT_SETTINGS_H_
#define DOTCACHE_CMD_DEPENDENT_SETTINGS_H_

#include "cmd/config.h"

namespace dotcache {

inline constexpr int kMaxWorkers = 256;
inline constexpr size_t kLeastCacheSize = size_t{1} << 20;

// `workers`: the number of CPUs that the process may use, at most kMaxWorkers.
void DeriveWorkers(Config& config);

// `cache-size`: the default, but at most a quarter of the memory that the process may use.
void DeriveCacheSize(Config& config);

// `max-pending-per-client`: 75 % of `max-pending-queries`.
void DeriveMaxPendingPerClient(Config& config);

// `max-streams-per-client`: a sixteenth of `max-stream-connections`, but at least 16.
void DeriveMaxStreamsPerClient(Config& config);

// `replies-per-second`: 50 if a UDP listener is public, else 0. A listener is public if it is not
// on loopback and `allow-from` or a rule of `access` allows a public address. Its own address does
// not decide: it may be behind address translation.
void DeriveRepliesPerSecond(Config& config);

// Raises limits without a setting, where a setting requires more. An exchange may last at least
// `query-timeout`. A worker may have at least `max-pending-queries` exchanges.
void RaiseDependentLimits(ServerOptions& server);

// Reports settings that contradict each other, and settings that need another one.
void CheckDependencies(LoadedConfig& loaded);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_DEPENDENT_SETTINGS_H_
