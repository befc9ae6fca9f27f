// SPDX-License-Identifier: Apache-2.0
// Accepts TCP connections.
#ifndef DOTCACHE_NET_TCP_ACCEPTOR_H_
#define DOTCACHE_NET_TCP_ACCEPTOR_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "net/endpoint.h"
#include "net/unique_fd.h"

namespace dotcache {

class UvLoop;

// Accepts on a listening socket, at most 64 connections a loop turn; backs off 100 ms when the
// process is out of descriptors instead of spinning. Bound to its loop's thread; not to be
// destroyed inside OnAccept().
class TcpAcceptor {
 public:
  class Delegate {
   public:
    virtual ~Delegate() = default;
    // A new connection: non-blocking, close-on-exec, TCP_NODELAY. The delegate may let it drop to
    // refuse it.
    virtual void OnAccept(UniqueFd fd, const Endpoint& remote) = 0;
  };

  // Takes a bound, listening, non-blocking socket. `delegate` must outlive the result.
  static absl::StatusOr<std::unique_ptr<TcpAcceptor>> Open(UvLoop& loop, UniqueFd fd,
                                                           Delegate& delegate);
  ~TcpAcceptor();

  Endpoint local_endpoint() const;

  // How often accepting had to wait for descriptors or memory.
  uint64_t back_offs() const;

 private:
  struct Impl;
  explicit TcpAcceptor(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TCP_ACCEPTOR_H_
