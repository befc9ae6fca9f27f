// SPDX-License-Identifier: Apache-2.0
// The interface through which a server reports to the owner of its attempts.
#ifndef DOTCACHE_UPSTREAM_POOL_SERVER_DELEGATE_H_
#define DOTCACHE_UPSTREAM_POOL_SERVER_DELEGATE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "upstream/connection/connection.h"

namespace dotcache {

class UpstreamServer;

// Why attempts are stalled.
enum class StallCause : uint8_t {
  kSilence,        // Their connection is silent.
  kNetworkChange,  // The route to their server has changed.
};

// Where an attempt is at its server. The exchange keeps it and gives it back.
struct AttemptPlace {
  uint32_t connection = 0;  // 0: it waits for a connection of its own.
  AttemptTicket ticket = 0;
  bool sent = false;              // False while its connection is not ready.
  bool alone = false;             // Its connection carries no other attempt.
  EdnsUse edns = EdnsUse::kFull;  // Of its query.
};

// The owner of the exchanges, which outlives the server. No function is called inside a call into
// the server, except the two that only take note.
class ServerDelegate {
 public:
  virtual ~ServerDelegate() = default;
  // An attempt that waited is on this connection now. Only to take note.
  virtual void OnAttemptPlaced(AttemptId attempt, const AttemptPlace& place) = 0;
  // The connection of the attempt is ready, and its query was sent.
  virtual void OnAttemptSent(AttemptId attempt) = 0;
  // The result of an attempt that was not forgotten. The attempt is over.
  virtual void OnAttemptResult(AttemptId attempt, AttemptResult result) = 0;
  // The same for an attempt whose connection was lost, together with `others` more.
  virtual void OnAttemptLost(AttemptId attempt, size_t others) = 0;
  // A message came for the attempt that was not its response. It continues.
  virtual void OnAttemptDoubtful(AttemptId attempt) = 0;
  // No response to these attempts is expected soon. They continue.
  virtual void OnAttemptsStalled(const std::vector<AttemptId>& attempts, StallCause cause) = 0;
  // UpstreamServer::StatusAt() may be another now. Only to take note.
  virtual void OnServerChanged(UpstreamServer& server) = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_SERVER_DELEGATE_H_
