// SPDX-License-Identifier: Apache-2.0
// Parses scenarios: the queries of clients, the reactions of upstream servers and the expected
// messages, step by step.
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

// A message to send, or an expected message: ENTRY_BEGIN to ENTRY_END.
//
//   MATCH words      What is compared; several lines add up.
//     opcode qname qtype question rcode flags answer authority additional
//     all            All of these. Names in their case; TTLs aside.
//     ttl            TTLs, too.
//     octets         All octets after the ID.
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
  std::string extended_error;  // The code or "none". Empty if it is not compared.
  WireMessage message;         // The message as described by sections.
  WireMessage octets;          // The octets to send: `message`, or the content of HEX_ANSWER.
};

enum class StepKind {
  kQuery,              // A client sends a query. ADDRESS is the client's address.
  kCheckAnswer,        // Checks the next reply. ADDRESS is the client's address.
  kCheckNoAnswer,      // Checks that there is no unchecked reply.
  kCheckOutQuery,      // Checks the next forwarded query. ADDRESS is the server.
  kCheckNoOutQuery,    // Checks that there is no unchecked forwarded query.
  kReply,              // The server at ADDRESS responds to the query with this question.
  kTimeout,            // Time passes until the program sends a reply or a query.
  kTimePasses,         // ELAPSE seconds pass.
  kRefuseConnections,  // From now on the server at ADDRESS refuses connections.
  kAcceptConnections,  // From now on the server at ADDRESS accepts connections.
  kCloseConnections,   // The server at ADDRESS closes its connections.
};

struct ScenarioStep {
  int line = 0;
  int number = 0;
  StepKind kind = StepKind::kQuery;
  std::string address;
  Duration elapse{0};
  ScenarioEntry entry;
};

// A scenario file. README.md describes the format, which is a subset of unbound's testcode/replay.h
// with additions for a DoT forwarder.
struct Scenario {
  std::string description;
  // The servers of the root zone, in order.
  std::vector<std::string> upstreams;
  std::vector<std::pair<std::string, std::string>> zones;  // A private zone and its one server.
  CacheOptions cache;                                      // Changed by `option:` lines.
  bool rotate = false;               // The same. Most scenarios compare the order of records.
  std::vector<std::string> records;  // Local records as text.
  std::vector<std::string> hosts;    // The lines of a hosts file.
  std::vector<ScenarioStep> steps;
};

// An error names the line.
absl::StatusOr<Scenario> ParseScenario(absl::string_view text);

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SCENARIOS_SCENARIO_PARSER_H_
