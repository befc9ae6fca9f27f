// SPDX-License-Identifier: Apache-2.0
// A connection to an upstream server whose state a test sets.
#ifndef DOTCACHE_TESTS_SUPPORT_FAKE_CONNECTION_H_
#define DOTCACHE_TESTS_SUPPORT_FAKE_CONNECTION_H_

#include <algorithm>
#include <climits>
#include <vector>

#include "upstream/connection/connection.h"

namespace dotcache {

// It has no server and calls no delegate. Queries are only counted.
class FakeConnection : public Connection {
 public:
  static constexpr uint64_t kClient = 7;  // Whose places are counted in `mine`.

  AttemptTicket Send(const UpstreamQuery& query, AttemptId) override {
    ++queries;
    if (query.client == kClient) ++mine;
    return 0;
  }
  void Forget(AttemptTicket) override {}
  void AskForSignOfLife(const Question& question) override { asked.push_back(question); }
  bool HasRoom() const override { return has_room && queries < most && !draining(); }
  bool limited() const override { return most < INT_MAX; }
  int capacity(int wanted) const override { return std::min(wanted, most); }
  PlacesInUse places(uint64_t client) const override {
    return {queries - overdue, client == kClient ? mine : 0};
  }
  int in_flight() const override { return queries; }
  std::vector<AttemptId> attempts() const override { return {}; }
  void Drain() override { ChangeState(ConnectionState::kDraining); }
  void CloseSoon() override {
    Drain();
    ends = true;
  }
  using Connection::BecomeReady;
  using Connection::ChangeState;
  using Connection::NoteReceived;

  bool has_room = true;
  int most = INT_MAX;  // The queries that the server allows on it.
  int queries = 0;
  int overdue = 0;  // Of them.
  int mine = 0;
  bool ends = false;
  std::vector<Question> asked;  // For a sign of life.
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_FAKE_CONNECTION_H_
