// SPDX-License-Identifier: Apache-2.0
// The learned limits of a server's connections.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_SERVER_HABITS_H_
#define DOTCACHE_UPSTREAM_CONNECTION_SERVER_HABITS_H_

#include "upstream/connection/answer_limit.h"
#include "upstream/connection/idle_limit.h"
#include "upstream/connection/pipeline_limit.h"

namespace dotcache {

// One for each server, shared by all its connections. Forgotten when its address changes.
struct ServerHabits {
  IdleLimit idle;
  AnswerLimit answers;
  PipelineLimit pipeline;
  bool refuses_alpn = false;  // It ended a TLS handshake because of ALPN.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_SERVER_HABITS_H_
