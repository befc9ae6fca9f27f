// SPDX-License-Identifier: Apache-2.0
// The settings `upstream`, `policy`, `zones` and `bootstrap`.
#ifndef DOTCACHE_CMD_UPSTREAM_SETTINGS_H_
#define DOTCACHE_CMD_UPSTREAM_SETTINGS_H_

#include "cmd/config.h"
#include "cmd/config_value.h"

namespace dotcache {

// The settings' values; null where a setting is not set.
struct UpstreamSettings {
  const ConfigValue* upstream;
  const ConfigValue* policy;
  const ConfigValue* zones;
  const ConfigValue* bootstrap;
};

// Fills server.upstream.zones: the root zone's servers, which are always asked over TLS, then the
// zones with servers of their own; and server.upstream.bootstrap, without which no server may be
// written with a host name. Appends origins and errors.
void LoadUpstreams(const UpstreamSettings& settings, LoadedConfig& loaded);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_UPSTREAM_SETTINGS_H_
