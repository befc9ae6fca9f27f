// SPDX-License-Identifier: Apache-2.0
// Scenarios: what clients ask, what upstream servers do, what must come of it, step by step.
#ifndef DOTCACHE_TESTS_SCENARIOS_SCENARIO_PARSER_H_
#define DOTCACHE_TESTS_SCENARIOS_SCENARIO_PARSER_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cache/cache_options.h"
#include "core/bytes.h"
#include "core/clock.h"

namespace dotcache {

// A message, or what a message must be like: ENTRY_BEGIN to ENTRY_END.
//
//   MATCH words      What is compared; several lines add up.
//     opcode qname qtype question rcode flags answer authority additional
//     all            All of these. Names in their case; TTLs aside.
//     ttl            TTLs, too.
//     DO  noedns     The DO bit is set; there is no OPT record.
//     ede=CODE       The extended error (RFC 8914); ede=none: there is none.
//     UDP  TCP       The transport of a QUERY; UDP without.
//   ADJUST copy_id   Understood; IDs always are the query's.
//   REPLY words      Flags (QR AA TC RD RA AD CD, DO) and the RCODE.
//   SECTION name     QUESTION, ANSWER, AUTHORITY, ADDITIONAL: records in zone file format follow.
//   HEX_EDNS_BEGIN   An OPT record with these options, until HEX_EDNS_END.
//   HEX_ANSWER_BEGIN Another message in place of the one described, until HEX_ANSWER_END.
struct ScenarioEntry {
  bool Matches(absl::string_view word) const { return match.contains(word); }

  absl::flat_hash_set<std::string> match;
  std::string extended_error;  // "" is not compared; "none", or the code.
  WireMessage message;         // As described.
  WireMessage octets;          // To send: `message`, or what HEX_ANSWER holds.
};

enum class StepKind {
  kQuery,              // A client asks. ADDRESS: the client's.
  kCheckAnswer,        // The next answer that went out. ADDRESS: to whom.
  kCheckNoAnswer,      // All answers so far have been checked.
  kCheckOutQuery,      // The next query that went upstream. ADDRESS: the server.
  kCheckNoOutQuery,    // All queries that went upstream so far have been checked.
  kReply,              // A server answers the query with this question.
  kTimeout,            // Nobody says anything until the forwarder does something about it.
  kTimePasses,         // ELAPSE seconds.
  kRefuseConnections,  // The server at ADDRESS from now on refuses connections,
  kAcceptConnections,  // or accepts them again,
  kCloseConnections,   // or loses those that it has.
};

struct ScenarioStep {
  int line = 0;
  int number = 0;
  StepKind kind = StepKind::kQuery;
  std::string address;
  Duration elapse{0};
  ScenarioEntry entry;
};

// A file: `upstream: NAME`, `zone: ZONE NAME`, `option: NAME SECONDS` and `record: TEXT` lines,
// CONFIG_END, SCENARIO_BEGIN with a description, STEPs with rising numbers, SCENARIO_END. A
// semicolon begins a comment. The dialect is that of unbound's testcode/replay.h, cut to what a
// forwarder over DoT needs.
struct Scenario {
  std::string description;
  std::vector<std::string> upstreams;                      // Of the root zone, in order.
  std::vector<std::pair<std::string, std::string>> zones;  // Zone, its one server.
  CacheOptions cache;  // `option:` sets cache-min-ttl, stale-max-age, prefetch (0: off).
  std::vector<std::string> records;  // Local records, as texts.
  std::vector<ScenarioStep> steps;
};

// The error names the line.
absl::StatusOr<Scenario> ParseScenario(absl::string_view text);

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SCENARIOS_SCENARIO_PARSER_H_
