// SPDX-License-Identifier: Apache-2.0
#include "cmd/listen_settings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cmd/list_kinds.h"
#include "cmd/value_parsers.h"
#include "cmd/yaml_text.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

// UDP and TCP may share an endpoint, TCP and DoT may not.
bool IsSameSocket(const ListenOptions& a, const ListenOptions& b) {
  const bool same_kind = (a.transport == Transport::kUdp) == (b.transport == Transport::kUdp);
  return same_kind && a.endpoint.port() != 0 && a.endpoint == b.endpoint;
}

absl::Status AddListeners(const ConfigValue& element, LoadedConfig& loaded) {
  ASSIGN_OR_RETURN(const std::vector<ListenOptions> listeners, ParseListen(element.scalar));
  std::vector<ListenOptions>& all = loaded.config.server.listen;
  for (ListenOptions listen : listeners) {
    const bool twice = std::any_of(all.begin(), all.end(), [&listen](const ListenOptions& other) {
      return IsSameSocket(listen, other);
    });
    if (twice) {
      return absl::InvalidArgumentError(
          absl::StrCat(listen.endpoint.ToString(), " is listed twice"));
    }
    listen.optional = element.origin == kDefaultOrigin && listen.endpoint.is_v6();
    all.push_back(listen);
    loaded.origins.Add("listen", element.origin);
  }
  return absl::OkStatus();
}

}  // namespace

void ReadListen(const ConfigValue& value, LoadedConfig& loaded) {
  RefuseEmptyList(value, "listen", loaded);
  ForEachText(value, "listen", loaded,
              [&loaded](const ConfigValue& element) { return AddListeners(element, loaded); });
}

std::string FormatListen(const Config& config) {
  std::vector<std::string> texts;
  for (const ListenOptions& listen : config.server.listen) {
    texts.push_back(absl::StrCat(SchemeOf(listen.transport), "://", listen.endpoint.ToString()));
  }
  return YamlList("listen", texts);
}

}  // namespace dotcache
