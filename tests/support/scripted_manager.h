// SPDX-License-Identifier: Apache-2.0
// An upstream manager on a simulated loop, with scripted connections: the base of test fixtures.
#ifndef DOTCACHE_TESTS_SUPPORT_SCRIPTED_MANAGER_H_
#define DOTCACHE_TESTS_SUPPORT_SCRIPTED_MANAGER_H_

#include <memory>
#include <random>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/support/scripted_connector.h"
#include "tests/support/simulated_loop.h"
#include "upstream/exchange/upstream_manager.h"

namespace dotcache {

// A fixture sets `options_`, adds servers, and calls MakeManager(). One thread.
class ScriptedManager {
 protected:
  ScriptedManager();

  // Adds a server with an address of its own to a zone.
  UpstreamServerOptions& AddServer(absl::string_view provider, size_t zone = 0);
  // Adds the servers of a host name to the root zone. They have no address yet.
  void AddHost(absl::string_view host);

  // Makes the connector, for a script that must be there before the manager.
  void MakeConnector();
  // Makes the manager, and the connector if there is none. A second manager has a connector of its
  // own.
  void MakeManager(LoopWatch* loops = nullptr);

  SimulatedLoop loop_;
  UpstreamOptions options_;
  std::vector<UpstreamCounters> counters_;
  std::mt19937_64 random_{1};
  std::unique_ptr<ScriptedConnector> connector_;
  std::unique_ptr<UpstreamManager> manager_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_SCRIPTED_MANAGER_H_
