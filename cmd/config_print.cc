// SPDX-License-Identifier: Apache-2.0
// FormatConfig(): the effective configuration as YAML.

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cmd/config.h"
#include "cmd/value_parsers.h"

namespace dotcache {
namespace {

// A YAML double-quoted scalar.
std::string Quoted(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      absl::StrAppend(&out, "\\x", absl::Hex(c, absl::kZeroPad2));
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string OnOff(bool on) { return on ? "on" : "off"; }

absl::string_view Scheme(Transport transport) {
  return transport == Transport::kDot ? "tls" : TransportName(transport);
}

void PrintIdentity(const UpstreamServerOptions& server, absl::string_view indent,
                   std::string& out) {
  if (!server.identity.authentication_name.empty()) {
    absl::StrAppend(&out, indent, "  name: ", server.identity.authentication_name, "\n");
  }
  if (!server.identity.pins.empty()) {
    const std::string pins = absl::StrJoin(
        server.identity.pins, ", ",
        [](std::string* text, const SpkiPin& pin) { *text += Quoted(pin.ToString()); });
    absl::StrAppend(&out, indent, "  pins: [", pins, "]\n");
  }
  for (const auto& [key, file] :
       {std::pair("pins-file", &server.pins_file), std::pair("ca", &server.ca_file),
        std::pair("cert", &server.certificate_file), std::pair("key", &server.key_file)}) {
    if (file->empty()) continue;
    absl::StrAppend(&out, indent, "  ", key, ": ", Quoted(*file), "\n");
  }
  if (server.identity.insecure) absl::StrAppend(&out, indent, "  insecure: true\n");
  if (server.weight != 1) absl::StrAppend(&out, indent, "  weight: ", server.weight, "\n");
  if (server.metered) absl::StrAppend(&out, indent, "  metered: true\n");
}

// Without port and brackets, but with the zone of a link-local address.
std::string AddressText(const Endpoint& endpoint) {
  const std::string text = endpoint.ToString();
  return endpoint.is_v6() ? text.substr(1, text.rfind(']') - 1) : endpoint.AddressToString();
}

void PrintOutgoing(const OutgoingOptions& outgoing, std::string& out) {
  std::vector<std::string> sources;
  for (const auto& source : {outgoing.source_v4, outgoing.source_v6}) {
    if (source.has_value()) sources.push_back(Quoted(AddressText(*source)));
  }
  if (!sources.empty()) {
    absl::StrAppend(&out, "upstream-source: [", absl::StrJoin(sources, ", "), "]\n");
  }
  if (outgoing.mark != 0) {
    absl::StrAppend(&out, "upstream-mark: 0x", absl::Hex(outgoing.mark), "\n");
  }
}

void PrintServer(const UpstreamServerOptions& server, absl::string_view indent, std::string& out) {
  if (server.transport != Transport::kDot) {
    absl::StrAppend(
        &out, indent, "- ",
        Quoted(absl::StrCat(Scheme(server.transport), "://", server.endpoint.ToString())),
        "  # clear text\n");
    return;
  }
  if (!server.host.empty()) {
    if (server.slot > 0) return;
    const uint16_t port = server.endpoint.port();
    absl::StrAppend(&out, indent, "- host: ",
                    Quoted(port == 0 ? server.host : absl::StrCat(server.host, ":", port)), "\n");
    PrintIdentity(server, indent, out);
    return;
  }
  absl::StrAppend(&out, indent, "- addresses: [", Quoted(server.endpoint.ToString()), "]");
  if (server.provider != server.identity.authentication_name) {
    absl::StrAppend(&out, "  # ", server.provider);
  }
  absl::StrAppend(&out, "\n");
  PrintIdentity(server, indent, out);
}

void PrintUpstreams(const UpstreamOptions& upstream, std::string& out) {
  const UpstreamZoneOptions& root = upstream.zones.front();
  absl::StrAppend(&out, "upstream:\n");
  for (const UpstreamServerOptions& server : root.servers) PrintServer(server, "  ", out);
  if (!upstream.bootstrap.empty()) absl::StrAppend(&out, "bootstrap:\n");
  for (const UpstreamServerOptions& server : upstream.bootstrap) PrintServer(server, "  ", out);
  absl::StrAppend(&out, "policy: ", SelectionPolicyName(root.policy), "\n");
  if (upstream.zones.size() == 1) return;
  absl::StrAppend(&out, "zones:\n");
  for (size_t i = 1; i < upstream.zones.size(); ++i) {
    const UpstreamZoneOptions& zone = upstream.zones[i];
    absl::StrAppend(&out, "  - zone: ", Quoted(zone.zone.ToString()),
                    "\n    policy: ", SelectionPolicyName(zone.policy), "\n    upstream:\n");
    for (const UpstreamServerOptions& server : zone.servers) PrintServer(server, "      ", out);
  }
}

std::string Text(auto duration) {
  return FormatDuration(std::chrono::duration_cast<Milliseconds>(duration));
}

void PrintCache(const CacheOptions& cache, std::string& out) {
  absl::StrAppend(&out, "cache-size: ", FormatSize(cache.budget_bytes), "\n");
  absl::StrAppend(&out, "cache-min-ttl: ", Text(cache.ttl_caps.floor), "\n");
  absl::StrAppend(&out, "cache-max-ttl: ", Text(cache.ttl_caps.positive), "\n");
  absl::StrAppend(&out, "cache-max-negative-ttl: ", Text(cache.ttl_caps.negative), "\n");
  absl::StrAppend(&out, "stale-max-age: ", Text(cache.stale_max_age), "\n");
  absl::StrAppend(&out, "stale-ttl: ", Text(cache.stale_ttl), "\n");
  absl::StrAppend(&out, "stale-recheck: ", Text(cache.stale_recheck), "\n");
  absl::StrAppend(&out, "failure-ttl: ", Text(cache.failure_ttl), "\n");
  absl::StrAppend(&out, "failure-max-ttl: ", Text(cache.failure_max_ttl), "\n");
  absl::StrAppend(&out, "prefetch: ", OnOff(cache.prefetch), "\n");
  absl::StrAppend(&out, "lru-protected-percent: ", cache.lru_protected_percent, "\n");
}

void PrintLocalNames(const ServerOptions& server, std::string& out) {
  const auto print_list = [&out](absl::string_view key, const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    absl::StrAppend(&out, key, ":\n");
    for (const std::string& text : texts) absl::StrAppend(&out, "  - ", Quoted(text), "\n");
  };
  absl::StrAppend(&out, "local-zones: ", OnOff(server.local_zones), "\n");
  std::vector<std::string> except;
  for (const DomainName& name : server.local_zones_except) except.push_back(name.ToString());
  print_list("local-zones-except", except);
  print_list("hosts-file", server.local_data.hosts_files);
  print_list("records", server.local_data.records);
  absl::StrAppend(&out, "local-ttl: ", Text(server.local_data.ttl), "\n");
}

void PrintLimits(const ServerOptions& server, std::string& out) {
  const ServerLimits& limits = server.limits;
  const UpstreamLimits& upstream = server.upstream.limits;
  absl::StrAppend(&out, "workers: ", server.workers, "\n");
  absl::StrAppend(&out, "query-timeout: ", Text(limits.query_timeout), "\n");
  absl::StrAppend(&out, "stale-client-timeout: ", Text(limits.stale_client_timeout), "\n");
  absl::StrAppend(&out, "max-udp-size: ", limits.max_udp_payload_size, "\n");
  absl::StrAppend(&out, "stream-idle-timeout: ", Text(limits.stream_idle_timeout), "\n");
  absl::StrAppend(&out, "max-stream-connections: ", limits.max_stream_connections, "\n");
  absl::StrAppend(&out, "max-pending-queries: ", limits.max_pending_queries, "\n");
  absl::StrAppend(&out, "max-pending-per-client: ", limits.max_pending_per_client, "\n");
  absl::StrAppend(&out, "hedge: ", OnOff(upstream.hedge), "\n");
  absl::StrAppend(&out, "loop-check: ", OnOff(server.upstream.loop_check), "\n");
  absl::StrAppend(&out, "upstream-connect-timeout: ", Text(upstream.connect_timeout), "\n");
  absl::StrAppend(&out, "upstream-idle-timeout: ", Text(upstream.idle_timeout), "\n");
}

void PrintOwnAnswers(const ServerOptions& server, std::string& out) {
  const OwnAnswersOptions& own = server.own_answers;
  if (!own.identity.empty()) absl::StrAppend(&out, "identity: ", Quoted(own.identity), "\n");
  if (!own.version_text.empty()) {
    absl::StrAppend(&out, "version-text: ", Quoted(own.version_text), "\n");
  }
  absl::StrAppend(&out, "any: ", own.minimal_any ? "minimal" : "forward", "\n");
  absl::StrAppend(&out, "cookies: ", CookieModeName(server.cookies), "\n");
  if (!server.cookie_secret_file.empty()) {
    absl::StrAppend(&out, "cookie-secret-file: ", Quoted(server.cookie_secret_file), "\n");
  }
}

}  // namespace

std::string FormatConfig(const Config& config) {
  const ServerOptions& server = config.server;
  std::string out = "listen:\n";
  for (const ListenOptions& listen : server.listen) {
    absl::StrAppend(
        &out, "  - ",
        Quoted(absl::StrCat(Scheme(listen.transport), "://", listen.endpoint.ToString())), "\n");
  }
  if (!server.listen_certificate_file.empty()) {
    absl::StrAppend(&out, "listen-cert: ", Quoted(server.listen_certificate_file), "\n");
  }
  if (!server.listen_key_file.empty()) {
    absl::StrAppend(&out, "listen-key: ", Quoted(server.listen_key_file), "\n");
  }
  const std::string prefixes = absl::StrJoin(
      server.allow_from, ", ",
      [](std::string* text, const AddressPrefix& prefix) { *text += Quoted(prefix.ToString()); });
  absl::StrAppend(&out, "allow-from: [", prefixes, "]\n");
  PrintUpstreams(server.upstream, out);
  if (!server.upstream_ca_file.empty()) {
    absl::StrAppend(&out, "upstream-ca: ", Quoted(server.upstream_ca_file), "\n");
  }
  PrintOutgoing(server.upstream.limits.outgoing, out);
  PrintCache(server.cache, out);
  PrintOwnAnswers(server, out);
  PrintLocalNames(server, out);
  PrintLimits(server, out);
  absl::StrAppend(
      &out, "admin: ", config.admin.has_value() ? Quoted(config.admin->ToString()) : "off", "\n");
  absl::StrAppend(&out, "log-level: ", LogLevelName(config.log_level), "\n");
  return out;
}

}  // namespace dotcache
