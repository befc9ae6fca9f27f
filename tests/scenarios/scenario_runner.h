// SPDX-License-Identifier: Apache-2.0
// Runs a scenario with the real query handler, cache and upstream manager.
#ifndef DOTCACHE_TESTS_SCENARIOS_SCENARIO_RUNNER_H_
#define DOTCACHE_TESTS_SCENARIOS_SCENARIO_RUNNER_H_

#include "absl/status/status.h"
#include "tests/scenarios/scenario_parser.h"

namespace dotcache {

// Runs a scenario. An error describes the difference and names the line of the step. Time is
// simulated and there are no sockets. Connections to upstream servers open at once, and a server
// responds only in a REPLY step. Servers are used in their order (policy sequential).
//
// The runner also checks these rules, which need no step:
// - Steps check every forwarded query and every reply, in order, before the scenario ends.
// - Every forwarded query has its name in lower case, RD and AD, and padding to a multiple of 128
//   octets. It has no EDNS options except padding and keepalive.
// - Every reply has the ID of a query for which its client waits.
absl::Status RunScenario(const Scenario& scenario);

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SCENARIOS_SCENARIO_RUNNER_H_
