// SPDX-License-Identifier: Apache-2.0
// Why a connection to an upstream server could not be had.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_CONNECT_FAILURE_H_
#define DOTCACHE_UPSTREAM_CONNECTION_CONNECT_FAILURE_H_

#include <cstdint>
#include <string>

#include "core/clock.h"
#include "net/byte_stream.h"
#include "net/tls/tls_stream.h"
#include "upstream/api/upstream_failure.h"

namespace dotcache {

// The failure of a connection that ended with `error` before it was ready.
UpstreamFailure FailureToConnect(StreamError error);

struct ConnectTimeout {
  UpstreamFailure failure;
  std::string cause;  // In words, with the likely mistake.
};

// A connection to `port` that was not ready within `limit`. `tls`: its stream; null over TCP.
ConnectTimeout DescribeConnectTimeout(const TlsStream* tls, uint16_t port, Milliseconds limit);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_CONNECT_FAILURE_H_
