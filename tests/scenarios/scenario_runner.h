// SPDX-License-Identifier: Apache-2.0
// Plays a scenario with the real query handler, cache and upstream manager.
#ifndef DOTCACHE_TESTS_SCENARIOS_SCENARIO_RUNNER_H_
#define DOTCACHE_TESTS_SCENARIOS_SCENARIO_RUNNER_H_

#include "absl/status/status.h"
#include "tests/scenarios/scenario_parser.h"

namespace dotcache {

// Returns how the program differs from the scenario, with the line of the step. Time is simulated;
// there are no sockets: connections to upstream servers open at once, and their servers say nothing
// until a REPLY step. Servers are asked in their order (policy sequential). Beyond what the steps
// say:
//   - every query that goes upstream and every answer to a client must be checked by a step, in
//     their order, before the scenario ends;
//   - every query that goes upstream has its name in lower case, RD, AD, padding to a multiple of
//     128 octets, and no EDNS option but padding and keepalive, whatever the client sent;
//   - every answer has the ID of a query by that client that waits for its answer.
absl::Status RunScenario(const Scenario& scenario);

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SCENARIOS_SCENARIO_RUNNER_H_
