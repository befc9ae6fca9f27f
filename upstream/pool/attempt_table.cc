// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/attempt_table.h"

#include <cassert>

namespace dotcache {

void AttemptTable::AddWaiting(AttemptId id, const UpstreamQuery& query, MonoTime now) {
  attempts_[id] = {nullptr, now, false};
  waiting_.emplace_back(id, query);
}

AttemptTable::Attempt* AttemptTable::Find(AttemptId id) {
  const auto found = attempts_.find(id);
  return found == attempts_.end() ? nullptr : &found->second;
}

const AttemptTable::Attempt* AttemptTable::Find(AttemptId id) const {
  const auto found = attempts_.find(id);
  return found == attempts_.end() ? nullptr : &found->second;
}

bool AttemptTable::Erase(AttemptId id) {
  const auto found = attempts_.find(id);
  if (found == attempts_.end()) return false;
  if (found->second.connection == nullptr) {
    std::erase_if(waiting_, [id](const auto& entry) { return entry.first == id; });
  }
  attempts_.erase(found);
  return true;
}

size_t AttemptTable::NoteReady(const Connection& connection, MonoTime now) {
  size_t count = 0;
  for (auto& [id, attempt] : attempts_) {
    if (attempt.connection != &connection) continue;
    attempt.sent = now;
    ++count;
  }
  return count;
}

std::vector<AttemptId> AttemptTable::Of(const Connection& connection) const {
  std::vector<AttemptId> found;
  for (const auto& [id, attempt] : attempts_) {
    if (attempt.connection == &connection) found.push_back(id);
  }
  return found;
}

std::vector<AttemptId> AttemptTable::Hopeful() const {
  std::vector<AttemptId> found;
  for (const auto& [id, attempt] : attempts_) {
    if (attempt.connection != nullptr && !attempt.timed_out) found.push_back(id);
  }
  return found;
}

std::vector<AttemptId> AttemptTable::TakeOf(const Connection& connection) {
  std::vector<AttemptId> taken = Of(connection);
  for (const AttemptId id : taken) attempts_.erase(id);
  return taken;
}

std::vector<AttemptId> AttemptTable::TakeWaiting() {
  std::vector<AttemptId> taken;
  for (const auto& [id, query] : std::exchange(waiting_, {})) {
    attempts_.erase(id);
    taken.push_back(id);
  }
  return taken;
}

std::pair<AttemptId, UpstreamQuery> AttemptTable::TakeFirstWaiting() {
  assert(has_waiting());
  auto first = std::move(waiting_.front());
  waiting_.pop_front();
  attempts_.erase(first.first);
  return first;
}

}  // namespace dotcache
