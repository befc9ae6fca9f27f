// SPDX-License-Identifier: Apache-2.0
#include "cmd/reload.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cmd/settings.h"

namespace dotcache {
namespace {

std::vector<std::string> LinesOf(const std::string& yaml) {
  return absl::StrSplit(yaml, '\n', absl::SkipEmpty());
}

// Appends the lines of `some` that `others` lacks.
void AppendMissing(const std::vector<std::string>& some, const std::vector<std::string>& others,
                   const char* mark, std::vector<std::string>& out) {
  for (const std::string& line : some) {
    if (std::find(others.begin(), others.end(), line) == others.end()) {
      out.push_back(absl::StrCat(mark, line));
    }
  }
}

}  // namespace

Config TakenOver(const Config& running, const Config& next) {
  Config config = running;
  config.log_level = next.log_level;
  config.lame_duck = next.lame_duck;
  ServerOptions& server = config.server;
  server.allow_from = next.server.allow_from;
  server.access = next.server.access;
  server.client_rate = next.server.client_rate;
  server.local_zones = next.server.local_zones;
  server.local_zones_except = next.server.local_zones_except;
  server.local_data = next.server.local_data;
  server.own_answers = next.server.own_answers;
  server.reply_rate = next.server.reply_rate;
  server.cache.budget_bytes = next.server.cache.budget_bytes;
  server.cache.ttl_caps = next.server.cache.ttl_caps;
  server.cookies = next.server.cookies;
  server.cookie_secret_file = next.server.cookie_secret_file;
  server.upstream = next.server.upstream;
  server.upstream.limits.workers = running.server.upstream.limits.workers;
  server.upstream_ca_file = next.server.upstream_ca_file;
  server.listen_certificate_file = next.server.listen_certificate_file;
  server.listen_key_file = next.server.listen_key_file;
  ServerLimits& limits = server.limits;
  const ServerLimits& wanted = next.server.limits;
  limits.query_timeout = wanted.query_timeout;
  limits.tuning.exchange_timeout = wanted.tuning.exchange_timeout;
  limits.stale_client_timeout = wanted.stale_client_timeout;
  limits.max_udp_payload_size = wanted.max_udp_payload_size;
  limits.rotate = wanted.rotate;
  limits.handshakes_per_second = wanted.handshakes_per_second;
  limits.max_stream_connections = wanted.max_stream_connections;
  limits.max_streams_per_client = wanted.max_streams_per_client;
  limits.stream_idle_timeout = wanted.stream_idle_timeout;
  limits.max_pending_queries = wanted.max_pending_queries;
  limits.max_pending_per_client = wanted.max_pending_per_client;
  return config;
}

std::vector<std::string> ChangedKeys(const Config& before, const Config& after) {
  std::vector<std::string> keys;
  for (const Setting& setting : Settings()) {
    if (setting.format(before) != setting.format(after)) keys.push_back(setting.key);
  }
  return keys;
}

std::vector<std::string> ChangedLines(const Config& before, const Config& after) {
  std::vector<std::string> lines;
  for (const Setting& setting : Settings()) {
    const std::vector<std::string> old_lines = LinesOf(setting.format(before));
    const std::vector<std::string> new_lines = LinesOf(setting.format(after));
    if (old_lines == new_lines) continue;
    // A list keeps its key line, which names its elements.
    const bool same_head = !old_lines.empty() && !new_lines.empty() &&
                           old_lines.front() == new_lines.front() && new_lines.size() > 1;
    if (same_head) lines.push_back(absl::StrCat("  ", new_lines.front()));
    const size_t count = lines.size();
    AppendMissing(old_lines, new_lines, "- ", lines);
    AppendMissing(new_lines, old_lines, "+ ", lines);
    if (lines.size() == count) lines.emplace_back("  # in another order");
  }
  return lines;
}

}  // namespace dotcache
