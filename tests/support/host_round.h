// SPDX-License-Identifier: Apache-2.0
// Answers the address queries for an upstream host name.
#ifndef DOTCACHE_TESTS_SUPPORT_HOST_ROUND_H_
#define DOTCACHE_TESTS_SUPPORT_HOST_ROUND_H_

#include <string>
#include <vector>

#include "tests/support/fake_exchanger.h"
#include "tests/support/message_builder.h"

namespace dotcache {

// Ends the last two exchanges, which look up `host`: no AAAA record, and these A records with a TTL
// of 60 s.
inline void EndHostRound(FakeExchanger& bootstrap, absl::string_view host,
                         const std::vector<std::string>& addresses) {
  const size_t round = bootstrap.calls().size() - 2;
  bootstrap.Respond(round, MakeNegativeResponse(host, QType::kAaaa, Rcode::kNoError,
                                                SoaRecord("example.net", 60, 60)));
  std::vector<Record> records;
  for (const std::string& address : addresses) records.push_back(ARecord(host, 60, address));
  bootstrap.Respond(round + 1, MakeResponse(host, QType::kA, records));
}

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_HOST_ROUND_H_
