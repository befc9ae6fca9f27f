// SPDX-License-Identifier: Apache-2.0
// Detects connections that have become silent.
#ifndef DOTCACHE_UPSTREAM_POOL_LIFE_WATCH_H_
#define DOTCACHE_UPSTREAM_POOL_LIFE_WATCH_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "core/event_loop.h"
#include "upstream/pool/server_connections.h"
#include "upstream/pool/upstream_health.h"

namespace dotcache {

// Watches the connections of one server. One name without a response is no evidence against it. So
// a sign of life is requested (Connection::AskForSignOfLife) before a connection counts as silent:
// when one query has waited for its attempt timeout, or two for half of the stall time, and no
// message came since. Without a message in the other half of the stall time it is silent. UDP loses
// messages, so there it is requested three times. Owned by the UpstreamServer; bound to its loop's
// thread.
class LifeWatch {
 public:
  // The references outlive the watch.
  struct Context {
    EventLoop& loop;
    const UpstreamLimits& limits;
    const UpstreamHealth& health;
    ServerConnections& connections;
    const Question life_question;
    const bool datagrams;  // UDP.
  };

  // `on_silent` is called from the loop, with the number of a connection that is silent now.
  LifeWatch(const Context& context, absl::AnyInvocable<void(uint32_t)> on_silent);

  // A query was sent on the connection.
  void NoteSent(ServerConnection& connection);

  // A message came on it.
  static void NoteWord(ServerConnection& connection);

  // Requests a sign of life now. The connection is silent if none comes within the trial time.
  void BeginTrial(ServerConnection& connection);

 private:
  static constexpr int kDatagramAsks = 3;

  int MaxAsks() const { return context_.datagrams ? kDatagramAsks : 1; }
  Duration AnswerTime(const ServerConnection& connection) const;
  void Ask(ServerConnection& connection);
  void CheckAt(ServerConnection& connection, MonoTime at);
  void Check();

  const Context context_;
  absl::AnyInvocable<void(uint32_t)> on_silent_;
  MonoTime next_check_;  // While the timer runs.
  std::unique_ptr<Timer> timer_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_LIFE_WATCH_H_
