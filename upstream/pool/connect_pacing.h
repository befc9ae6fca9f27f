// SPDX-License-Identifier: Apache-2.0
// When the next connection to one server may begin.
#ifndef DOTCACHE_UPSTREAM_POOL_CONNECT_PACING_H_
#define DOTCACHE_UPSTREAM_POOL_CONNECT_PACING_H_

#include "core/clock.h"

namespace dotcache {

// After a failed connect, no connect begins for 500 ms, except probes. A probe for a query begins
// at least a second after the latest connect, or five seconds if a certificate failed. A value; not
// thread-safe.
class ConnectPacing {
 public:
  static constexpr Duration kInterval = Milliseconds(500);
  static constexpr Duration kProbeInterval = Seconds(1);
  static constexpr Duration kCertificateInterval = Seconds(5);
  // While no server of a zone can be reached, and none has been tried for a second yet.
  static constexpr Duration kUrgentInterval = Milliseconds(100);
  // A query waits so long for a handshake. Then the next server is queried, and the handshake
  // continues.
  static constexpr Duration kPatience = Milliseconds(250);

  void NoteBegun(MonoTime now) { begun_ = now; }
  void NoteFailed(MonoTime now) {
    not_before_ = now + kInterval;
    failed_ = now;
  }
  // It was connected to, or earlier failures are void.
  void Forget() { not_before_ = MonoTime(); }

  MonoTime begun() const { return begun_; }
  MonoTime failed() const { return failed_; }
  MonoTime not_before() const { return not_before_; }
  bool MayBegin(MonoTime now) const { return now >= not_before_; }
  bool MayProbe(MonoTime now, bool certificate_failed) const {
    return now - begun_ >= (certificate_failed ? kCertificateInterval : kProbeInterval);
  }

 private:
  MonoTime not_before_;
  MonoTime begun_;
  MonoTime failed_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_CONNECT_PACING_H_
