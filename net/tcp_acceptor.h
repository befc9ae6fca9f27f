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

// Accepts connections on a listening socket, at most 64 in one loop turn. When the process has no
// descriptors left, it pauses for 100 ms. Bound to its loop's thread. Do not destroy it inside
// OnAccept().
class TcpAcceptor {
 public:
  class Delegate {
   public:
    virtual ~Delegate() = default;
    // A new connection: non-blocking, close-on-exec, TCP_NODELAY. The delegate refuses the
    // connection by destroying `fd`.
    virtual void OnAccept(UniqueFd fd, const Endpoint& remote) = 0;
  };

  // Takes a bound, listening, non-blocking socket. `delegate` must outlive the result.
  static absl::StatusOr<std::unique_ptr<TcpAcceptor>> Open(UvLoop& loop, UniqueFd fd,
                                                           Delegate& delegate);

  struct Impl;  // Defined in the source file only, so no other code can construct this class.
  explicit TcpAcceptor(std::unique_ptr<Impl> impl);
  ~TcpAcceptor();

  // Accepts the connections that wait. Destroy the acceptor directly after that: the kernel resets
  // connections that arrive later. Do not call it inside OnAccept().
  void AcceptWaiting();

  // How often it paused because descriptors or memory had run out.
  uint64_t back_offs() const;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TCP_ACCEPTOR_H_
