// SPDX-License-Identifier: Apache-2.0
// Finds upstream servers that are listeners of this process.
#ifndef DOTCACHE_SERVER_OWN_LISTENER_H_
#define DOTCACHE_SERVER_OWN_LISTENER_H_

#include "absl/types/span.h"
#include "server/server_options.h"

namespace dotcache {

// Returns the listener that would receive queries sent to `endpoint` over `transport`, or null.
// - A listener on 0.0.0.0 or [::] receives at every address of this machine.
// - An IPv4-mapped IPv6 address (::ffff:127.0.0.1) counts as the IPv4 address.
// - A TCP or DoT connection reaches any stream listener, even one that expects the other protocol.
// - A UDP upstream server also reaches stream listeners, because truncated responses are retried
//   over TCP.
const ListenOptions* FindOwnListener(const Endpoint& endpoint, Transport transport,
                                     absl::Span<const ListenOptions> listeners);

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_OWN_LISTENER_H_
