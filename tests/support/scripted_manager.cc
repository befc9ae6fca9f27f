// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scripted_manager.h"

#include <string>

#include "tests/support/numbered_servers.h"

namespace dotcache {

ScriptedManager::ScriptedManager() { options_.zones.resize(1); }

UpstreamServerOptions& ScriptedManager::AddServer(absl::string_view provider, size_t zone) {
  UpstreamServerOptions& server = AddNumberedServer(options_.zones, zone);
  server.provider = std::string(provider);
  return server;
}

void ScriptedManager::AddHost(absl::string_view host) {
  for (size_t slot = 0; slot < kMaxHostAddresses; ++slot) {
    UpstreamServerOptions& server = options_.zones[0].servers.emplace_back();
    server.provider = server.host = std::string(host);
    server.slot = static_cast<int>(slot);
    server.endpoint.set_port(853);
  }
}

void ScriptedManager::MakeConnector() {
  connector_ = std::make_unique<ScriptedConnector>(loop_, options_.limits);
}

void ScriptedManager::MakeManager(LoopWatch* loops) {
  if (manager_ != nullptr) {
    manager_.reset();                 // It uses the connector,
    loop_.Advance(Duration::zero());  // as do connections that wait to be deleted.
    connector_.reset();
  }
  if (connector_ == nullptr) MakeConnector();
  counters_ = std::vector<UpstreamCounters>(CountServers(options_.zones));
  manager_ = std::make_unique<UpstreamManager>(loop_, options_, *connector_,
                                               absl::MakeSpan(counters_), random_, loops);
}

}  // namespace dotcache
