// SPDX-License-Identifier: Apache-2.0
// Finds an upstream server that is this program itself.
#ifndef DOTCACHE_SERVER_OWN_LISTENER_H_
#define DOTCACHE_SERVER_OWN_LISTENER_H_

#include "absl/types/span.h"
#include "server/server_options.h"

namespace dotcache {

// The listener that answers at `endpoint`, or null. A listener on 0.0.0.0 or [::] answers at every
// address of this machine; an IPv4 address written as an IPv6 one (::ffff:127.0.0.1) is the IPv4
// address. `transport`: what would be asked over. Any stream reaches any stream listener, also one
// that would not understand it; what is asked over UDP is asked over TCP, too.
const ListenOptions* FindOwnListener(const Endpoint& endpoint, Transport transport,
                                     absl::Span<const ListenOptions> listeners);

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_OWN_LISTENER_H_
