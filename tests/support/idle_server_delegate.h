// SPDX-License-Identifier: Apache-2.0
// An owner of upstream servers that has no attempts.
#ifndef DOTCACHE_TESTS_SUPPORT_IDLE_SERVER_DELEGATE_H_
#define DOTCACHE_TESTS_SUPPORT_IDLE_SERVER_DELEGATE_H_

#include <vector>

#include "upstream/pool/server_delegate.h"

namespace dotcache {

class IdleServerDelegate : public ServerDelegate {
 public:
  void OnAttemptPlaced(AttemptId, const AttemptPlace&) override {}
  void OnAttemptSent(AttemptId) override {}
  void OnAttemptResult(AttemptId, AttemptResult) override {}
  void OnAttemptLost(AttemptId, size_t) override {}
  void OnAttemptDoubtful(AttemptId) override {}
  void OnAttemptsStalled(const std::vector<AttemptId>&, StallCause) override {}
  void OnServerChanged(UpstreamServer&) override {}
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_IDLE_SERVER_DELEGATE_H_
