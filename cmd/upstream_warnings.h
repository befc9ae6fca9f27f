// SPDX-License-Identifier: Apache-2.0
// Log lines about upstream servers that weaken the protection of queries.
#ifndef DOTCACHE_CMD_UPSTREAM_WARNINGS_H_
#define DOTCACHE_CMD_UPSTREAM_WARNINGS_H_

#include <string>
#include <vector>

#include "cmd/config.h"
#include "core/log.h"

namespace dotcache {

struct UpstreamWarning {
  // A field of the log line.
  struct Field {
    std::string key, value;
    friend bool operator==(const Field&, const Field&) = default;
  };

  LogLevel level = LogLevel::kWarn;
  std::string text;
  Field first;
  Field second = {};  // Its key is empty if there is none.

  friend bool operator==(const UpstreamWarning&, const UpstreamWarning&) = default;
};

// One warning for each server that is not authenticated or may use legacy cryptography, and one
// reminder for each zone that is queried in clear text.
std::vector<UpstreamWarning> UpstreamWarnings(const Config& config);

// Logs the warnings of `config` that `before` does not have.
void LogUpstreamWarnings(const Config& config, const Config& before = {});

// The address of a server, as far as the configuration says it.
std::string PlaceOf(const UpstreamServerOptions& upstream);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_UPSTREAM_WARNINGS_H_
