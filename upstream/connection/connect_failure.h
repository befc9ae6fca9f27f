// SPDX-License-Identifier: Apache-2.0
// How a connection to an upstream server begins, and why it could not be had.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_CONNECT_FAILURE_H_
#define DOTCACHE_UPSTREAM_CONNECTION_CONNECT_FAILURE_H_

#include <cstdint>
#include <string>

#include "core/clock.h"
#include "net/byte_stream.h"
#include "net/tls/tls_stream.h"
#include "upstream/api/upstream_failure.h"
#include "upstream/api/upstream_options.h"

namespace dotcache {

// The failure of a connection that ended with `error` before it was ready.
UpstreamFailure FailureToConnect(StreamError error);

// How the socket of a connection is made.
TcpOptions SocketOptions(const UpstreamLimits& limits);

// After the handshake of `tls` failed: notes what the next one must not offer. Returns true if it
// offers less than this one did, so that it may succeed.
bool OfferLess(const TlsStream& tls, StreamError error, bool& refuses_alpn,
               TlsTicketStore& tickets);

struct ConnectTimeout {
  UpstreamFailure failure;
  std::string cause;  // In words, with the likely mistake.
};

// A connection to `port` that was not ready within `limit`. `tls`: its stream; null over TCP.
ConnectTimeout DescribeConnectTimeout(const TlsStream* tls, uint16_t port, Milliseconds limit);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_CONNECT_FAILURE_H_
