// SPDX-License-Identifier: Apache-2.0
// When a server that is down, or on trial, is connected to again.
#ifndef DOTCACHE_UPSTREAM_POOL_SERVER_PROBES_H_
#define DOTCACHE_UPSTREAM_POOL_SERVER_PROBES_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "core/event_loop.h"
#include "upstream/pool/connect_pacing.h"
#include "upstream/pool/server_connections.h"
#include "upstream/pool/upstream_health.h"

namespace dotcache {

// Probes one server with one connection at a time: when its back-off ends, when a query needs it,
// or at a faster pace while no server of its zone can be reached. Also keeps the time since which
// the server was tried without a sign of life. Owned by the UpstreamServer; bound to its loop's
// thread.
class ServerProbes {
 public:
  // The references outlive this object.
  struct Context {
    EventLoop& loop;
    const UpstreamHealth& health;
    const ServerConnections& connections;
    const ConnectPacing& pacing;
  };

  // `may_probe` returns whether the server may be connected to at all. `open` begins a connection,
  // and returns false if there is no room for one.
  ServerProbes(const Context& context, absl::AnyInvocable<bool()> may_probe,
               absl::AnyInvocable<bool()> open);

  // Connects now if the server is down.
  void Now();
  // The same, if the latest connect was long enough ago for a probe for a query.
  void OnDemand();
  // While urgent, probes do not wait for the back-off.
  void SetUrgent(bool urgent);
  // Sets the timer to the next probe, or stops it. Called after each change that concerns it.
  void Arm();
  // Sends no probe from now on.
  void Stop();

  // A query was sent or a connection begun.
  void NoteTry();
  // A message came, a connection took the server up, or earlier knowledge is void.
  void NoteSign() { last_sign_ = context_.loop.Now(); }
  // The first try since the latest sign; or now.
  MonoTime in_vain_since() const;

  bool certificate_failed() const {
    return context_.health.down() && IsAboutCertificate(context_.health.last_failure());
  }

 private:
  bool IsUnderWay() const {
    return context_.connections.HasConnecting() || context_.connections.HasTrial();
  }
  void OnTimer();

  const Context context_;
  absl::AnyInvocable<bool()> may_probe_;
  absl::AnyInvocable<bool()> open_;
  bool urgent_ = false;
  bool stopped_ = false;
  MonoTime last_sign_;
  MonoTime tried_since_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_SERVER_PROBES_H_
