// SPDX-License-Identifier: Apache-2.0
// `--upstream` texts and YAML `upstream` maps to server options.
#ifndef DOTCACHE_CMD_UPSTREAM_SPEC_H_
#define DOTCACHE_CMD_UPSTREAM_SPEC_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cmd/config_value.h"
#include "upstream/api/upstream_options.h"

namespace dotcache {

// Whether a server may use clear text. It is allowed for servers of private zones and for bootstrap
// servers, and refused for providers.
enum class ClearText { kRefused, kAllowed };

// One provider's servers from text:
//   PRESET                  a known public provider: all its addresses
//   tls://ADDR[:PORT]#NAME  the certificate must carry NAME
//   tls://ADDR[:PORT]       the certificate must carry ADDR
//   tls://HOST[:PORT][#NAME]  the addresses of HOST as resolved through `bootstrap`; the
//                           certificate must carry NAME, or else HOST
//   udp://ADDR[:PORT]       clear text over UDP, and over TCP when a response is truncated
//   tcp://ADDR[:PORT]       clear text over TCP
// and in the notation of other programs: ADDR@PORT#NAME (unbound), tls://ADDR%NAME[:PORT]
// (CoreDNS), ADDR[:PORT]#NAME (systemd-resolved). Errors contain a correct example.
absl::StatusOr<std::vector<UpstreamServerOptions>> ParseUpstreamText(absl::string_view text,
                                                                     ClearText clear_text);

// The same from a YAML element: a text as above, or a map with the keys of UpstreamKeys(). Appends
// errors, each with its origin.
std::vector<UpstreamServerOptions> ParseUpstreamValue(const ConfigValue& value,
                                                      ClearText clear_text,
                                                      std::vector<ConfigError>& errors);

// The keys of such a map, for "did you mean" and the documentation's test.
absl::Span<const absl::string_view> UpstreamKeys();

}  // namespace dotcache

#endif  // DOTCACHE_CMD_UPSTREAM_SPEC_H_
