// SPDX-License-Identifier: Apache-2.0
// When the next connection to one server may be begun.
#ifndef DOTCACHE_UPSTREAM_POOL_CONNECT_PACING_H_
#define DOTCACHE_UPSTREAM_POOL_CONNECT_PACING_H_

#include "core/clock.h"
#include "upstream/pool/probe_gate.h"

namespace dotcache {

// After a failed connect none begins for 500 ms but what goes by another pace: a last resort every
// 100 ms, while nobody can be reached, and a probe every second, of all workers that share the
// gate; for a query, where a certificate failed, every five. Not thread-safe but for the gate,
// which outlives it.
class ConnectPacing {
 public:
  static constexpr Duration kInterval = Milliseconds(500);
  static constexpr Duration kLastResortInterval = Milliseconds(100);
  static constexpr Duration kCertificateInterval = Seconds(5);
  // After this a query that waits for a handshake asks the next server; the handshake goes on.
  static constexpr Duration kPatience = Milliseconds(250);

  explicit ConnectPacing(ProbeGate& gate) : gate_(gate) {}

  void NoteBegun(MonoTime now) { begun_ = now; }
  void NoteFailed(MonoTime now) { not_before_ = now + kInterval; }
  // It was connected to, or failures of before say nothing any more.
  void Forget() { not_before_ = MonoTime(); }

  MonoTime begun() const { return begun_; }
  bool MayBegin(MonoTime now) const { return now >= not_before_; }
  bool MayBeginLastResort(MonoTime now) const { return now - begun_ >= kLastResortInterval; }
  bool IsProbeDue(MonoTime now) const { return now - begun_ >= ProbeGate::kInterval; }
  // No certificate becomes good by being asked for it again and again.
  bool IsCertificateProbeDue(MonoTime now) const {
    return now - begun_ >= kCertificateInterval && now - gate_.failed_at() >= kCertificateInterval;
  }
  bool HasJustBegun(MonoTime now) const { return now - begun_ < kPatience; }

  // True when another worker has heard from the server since then, or it is this one's turn.
  bool TakeTurn(MonoTime since, MonoTime now) {
    return gate_.up_at() > since || gate_.TryPass(now);
  }
  // Tells the other workers that it is up, or was tried in vain.
  void TellUp(MonoTime now) { gate_.NoteUp(now); }
  void TellFailed(MonoTime now) { gate_.NoteFailed(now); }
  // Whether a worker has tried it since then, the latest time in vain.
  bool HasFailedSince(MonoTime since) const {
    return gate_.failed_at() > since && gate_.failed_at() > gate_.up_at();
  }

 private:
  ProbeGate& gate_;
  MonoTime not_before_;
  MonoTime begun_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_CONNECT_PACING_H_
