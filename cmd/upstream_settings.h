// SPDX-License-Identifier: Apache-2.0
// The settings `upstream`, `bootstrap` and `zones`.
#ifndef DOTCACHE_CMD_UPSTREAM_SETTINGS_H_
#define DOTCACHE_CMD_UPSTREAM_SETTINGS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "cmd/config.h"
#include "cmd/config_value.h"

namespace dotcache {

inline constexpr size_t kMaxServersPerZone = 64;
inline constexpr size_t kMaxPrivateZones = 255;
inline constexpr absl::string_view kBootstrapExample = "tls://9.9.9.9#dns.quad9.net";

// Each appends to server.upstream, with origins and errors; FormatUpstream() and the others print
// what they read, in YAML.

// The root zone's servers, which are queried over TLS only.
void ReadUpstream(const ConfigValue& value, LoadedConfig& loaded);
std::string FormatUpstream(const Config& config);

// The servers that resolve host names. They are written with addresses.
void ReadBootstrap(const ConfigValue& value, LoadedConfig& loaded);
std::string FormatBootstrap(const Config& config);

// Zones with servers of their own, over TLS or in clear text. Runs after ReadUpstream().
void ReadZones(const ConfigValue& value, LoadedConfig& loaded);
std::string FormatZones(const Config& config);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_UPSTREAM_SETTINGS_H_
