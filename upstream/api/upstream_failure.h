// SPDX-License-Identifier: Apache-2.0
// How an attempt at an upstream server can fail.
#ifndef DOTCACHE_UPSTREAM_API_UPSTREAM_FAILURE_H_
#define DOTCACHE_UPSTREAM_API_UPSTREAM_FAILURE_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace dotcache {

// A closed list: health, counters and log lines speak of failures in these words.
enum class UpstreamFailure : uint8_t {
  // The connection could not be had.
  kConnectRefused,
  kUnreachable,     // No route, or no such address family on this machine.
  kOutOfResources,  // This process has no descriptor or memory left. No evidence about the server.
  kConnectFailed,
  kConnectTimeout,  // No answer to the TCP connect.
  kTlsTimeout,      // Connected, but the TLS handshake took too long.
  kTlsHandshake,
  kCertificate,        // Name, trust, validity or pin: not retried on the same server at once.
  kClientCertificate,  // The server refuses or requires ours. The same.
  // The connection was lost with the query on it.
  kConnectionLost,
  // The server did not answer this query.
  kTimeout,
  kOverloaded,  // No connection with room, and the queue bound is reached.
  kLoop,        // Not queried, because queries to it come back.
  // The server's response was not used. No evidence against its health.
  kMalformed,
  kNotAnAnswer,
  kTruncated,  // TC on a stream.
  kServFail,   // SERVFAIL, REFUSED, NOTIMP, FORMERR...
};
inline constexpr int kUpstreamFailureCount = static_cast<int>(UpstreamFailure::kServFail) + 1;

absl::string_view UpstreamFailureName(UpstreamFailure failure);

// The step in which the failure arose, for log lines: "connect", "tls", "exchange", "response".
absl::string_view UpstreamFailurePhase(UpstreamFailure failure);

// True when the connection could not be had, so that the query never left.
inline bool IsConnectFailure(UpstreamFailure failure) {
  return failure <= UpstreamFailure::kClientCertificate;
}

// True if the server's or our own certificate was refused. That does not change within seconds.
inline bool IsAboutCertificate(UpstreamFailure failure) {
  return failure == UpstreamFailure::kCertificate || failure == UpstreamFailure::kClientCertificate;
}

// True for evidence about the transport, the only kind that marks a server down.
bool IsTransportFailure(UpstreamFailure failure);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_API_UPSTREAM_FAILURE_H_
