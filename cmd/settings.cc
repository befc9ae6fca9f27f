#include "cmd/settings.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace dotcache {
namespace {

constexpr Setting kSettings[] = {
    {.key = "listen",
     .value_name = "[udp://|tcp://|tls://]ADDR:PORT",
     .default_text = "127.0.0.1:53, [::1]:53",
     .help = "Where to take queries; without a scheme UDP and TCP, tls:// is DNS over TLS",
     .is_list = true},
    {.key = "listen-cert",
     .value_name = "FILE",
     .default_text = "none",
     .help = "Certificate chain (PEM) of the tls:// listeners; required with them"},
    {.key = "listen-key",
     .value_name = "FILE",
     .default_text = "none",
     .help = "Private key (PEM) of the tls:// listeners; required with them"},
    {.key = "upstream",
     .value_name = "PRESET|tls://ADDR[:PORT][#NAME]",
     .default_text = "cloudflare, quad9, google",
     .help = "A provider to ask over DNS over TLS; its certificate must carry NAME, or ADDR "
             "where there is no NAME",
     .is_list = true},
    {.key = "upstream-ca",
     .value_name = "FILE",
     .default_text = "system",
     .help = "CA certificates (PEM) to trust for upstream servers, instead of the system's"},
    {.key = "policy",
     .value_name = "WORD",
     .default_text = "balanced",
     .help = "Order of servers: balanced, fastest, round-robin, random, sequential"},
    {.key = "workers",
     .value_name = "N",
     .default_text = "number of CPUs",
     .help = "Event loops, each on a thread of its own; 1 to 256"},
    {.key = "cache-size",
     .value_name = "SIZE",
     .default_text = "64MiB",
     .help = "Memory for cached responses; 0 switches the cache off"},
    {.key = "local-zones",
     .value_name = "on|off",
     .default_text = "on",
     .help = "Answer special-use and private zones here instead of forwarding them"},
    {.key = "admin",
     .value_name = "ADDR:PORT|off",
     .default_text = "127.0.0.1:9153",
     .help = "Where HTTP serves /metrics, /health and /ready"},
    {.key = "log-level",
     .value_name = "WORD",
     .default_text = "info",
     .help = "Least severe line to log: error, warn, info, debug"},
    {.key = "allow-from",
     .value_name = "PREFIX",
     .default_text = "loopback, private and link-local addresses",
     .help = "Clients that may ask; all others get REFUSED",
     .is_list = true,
     .yaml_only = true},
    {.key = "zones",
     .value_name = "MAPS",
     .default_text = "none",
     .help = "Zones with servers of their own: zone, upstream, policy",
     .is_list = true,
     .yaml_only = true},
    {.key = "cache-max-ttl",
     .value_name = "DURATION",
     .default_text = "1d",
     .help = "Longest time a response is kept, and highest TTL shown; 1s to 7d",
     .yaml_only = true},
    {.key = "cache-max-negative-ttl",
     .value_name = "DURATION",
     .default_text = "1h",
     .help = "Longest time an NXDOMAIN or NODATA response is kept; 1s to 1d",
     .yaml_only = true},
    {.key = "query-timeout",
     .value_name = "DURATION",
     .default_text = "2s",
     .help = "From a query's arrival to SERVFAIL, when no server answers; 100ms to 30s",
     .yaml_only = true},
    {.key = "max-udp-size",
     .value_name = "N",
     .default_text = "1232",
     .help = "Largest UDP reply, in octets; 512 to 4096",
     .yaml_only = true},
    {.key = "stream-idle-timeout",
     .value_name = "DURATION",
     .default_text = "10s",
     .help = "A TCP or DoT client without a whole query for this long is closed; 1s to 1h",
     .yaml_only = true},
    {.key = "max-stream-connections",
     .value_name = "N",
     .default_text = "4096",
     .help = "Open TCP and DoT clients of each worker; 1 to 1000000",
     .yaml_only = true},
    {.key = "max-pending-queries",
     .value_name = "N",
     .default_text = "10000",
     .help = "Distinct questions of each worker that wait for upstream; 1 to 1000000",
     .yaml_only = true},
    {.key = "hedge",
     .value_name = "on|off",
     .default_text = "on",
     .help = "Ask a second server when the first takes unusually long; at most 5 % more queries",
     .yaml_only = true},
    {.key = "upstream-connect-timeout",
     .value_name = "DURATION",
     .default_text = "2s",
     .help = "TCP connect and TLS handshake together; 100ms to 30s",
     .yaml_only = true},
    {.key = "upstream-idle-timeout",
     .value_name = "DURATION",
     .default_text = "30s",
     .help = "An unused upstream connection is closed after this, or what the server announces; "
             "1s to 1h",
     .yaml_only = true},
};

}  // namespace

absl::Span<const Setting> Settings() { return kSettings; }

std::vector<absl::string_view> SettingKeys() {
  std::vector<absl::string_view> keys;
  for (const Setting& setting : kSettings) keys.push_back(setting.key);
  return keys;
}

std::string EnvironmentName(absl::string_view key) {
  return absl::StrCat("DOTCACHE_", absl::AsciiStrToUpper(absl::StrReplaceAll(key, {{"-", "_"}})));
}

}  // namespace dotcache
