// SPDX-License-Identifier: Apache-2.0
#include "admin/http_connections.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace dotcache {
namespace {

constexpr size_t kV6NetworkOctets = 8;
constexpr absl::string_view kV4Mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

bool IsLinkLocal(absl::string_view octets) {
  return octets[0] == '\xfe' && (static_cast<unsigned char>(octets[1]) & 0xc0) == 0x80;
}

// Equal for the addresses that count as one client.
std::string ClientOf(const Endpoint& endpoint) {
  const absl::string_view octets(reinterpret_cast<const char*>(endpoint.octets().data()),
                                 endpoint.octets().size());
  if (!endpoint.is_v6()) return std::string(octets);
  if (absl::StartsWith(octets, kV4Mapped)) return std::string(octets.substr(kV4Mapped.size()));
  return std::string(IsLinkLocal(octets) ? octets : octets.substr(0, kV6NetworkOctets));
}

}  // namespace

std::optional<int> HttpConnections::Add(int socket, const Endpoint& client, MonoTime now) {
  open_.push_back({socket, ClientOf(client), now});
  std::string fullest = open_.back().client;
  if (CountOf(fullest) <= limits_.per_client) {
    if (open_.size() <= limits_.all) return std::nullopt;
    for (const Connection& each : open_) {
      if (CountOf(each.client) > CountOf(fullest)) fullest = each.client;
    }
    // Among clients with as many connections, the one whose connection waits longest.
    const size_t most = CountOf(fullest);
    fullest = std::find_if(open_.begin(), open_.end(), [&](const Connection& each) {
                return CountOf(each.client) == most;
              })->client;
  }
  const auto oldest = std::find_if(open_.begin(), open_.end(),
                                   [&](const Connection& each) { return each.client == fullest; });
  const int evicted = oldest->socket;
  open_.erase(oldest);
  return evicted;
}

void HttpConnections::RequestDone(int socket, MonoTime now) {
  const auto done = std::find_if(open_.begin(), open_.end(),
                                 [&](const Connection& each) { return each.socket == socket; });
  if (done == open_.end()) return;
  done->since = now;
  std::rotate(done, done + 1, open_.end());
}

void HttpConnections::Remove(int socket) {
  std::erase_if(open_, [&](const Connection& each) { return each.socket == socket; });
}

std::vector<int> HttpConnections::TakeOverdue(MonoTime now) {
  std::vector<int> overdue;
  std::erase_if(open_, [&](const Connection& each) {
    const bool is_overdue = now - each.since >= limits_.request_time;
    if (is_overdue) overdue.push_back(each.socket);
    return is_overdue;
  });
  return overdue;
}

std::optional<MonoTime> HttpConnections::NextDeadline() const {
  if (open_.empty()) return std::nullopt;
  return open_.front().since + limits_.request_time;
}

size_t HttpConnections::CountOf(const std::string& client) const {
  return static_cast<size_t>(std::count_if(
      open_.begin(), open_.end(), [&](const Connection& each) { return each.client == client; }));
}

}  // namespace dotcache
