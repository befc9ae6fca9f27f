// SPDX-License-Identifier: Apache-2.0
#include "upstream/api/upstream_failure.h"

namespace dotcache {

absl::string_view UpstreamFailureName(UpstreamFailure failure) {
  switch (failure) {
    case UpstreamFailure::kConnectRefused:
      return "refused";
    case UpstreamFailure::kUnreachable:
      return "unreachable";
    case UpstreamFailure::kOutOfResources:
      return "out-of-resources";
    case UpstreamFailure::kConnectFailed:
      return "connect-failed";
    case UpstreamFailure::kConnectTimeout:
      return "connect-timeout";
    case UpstreamFailure::kTlsHandshake:
      return "tls-handshake";
    case UpstreamFailure::kCertificate:
      return "certificate";
    case UpstreamFailure::kClientCertificate:
      return "client-certificate";
    case UpstreamFailure::kConnectionLost:
      return "connection-lost";
    case UpstreamFailure::kTimeout:
      return "timeout";
    case UpstreamFailure::kOverloaded:
      return "overloaded";
    case UpstreamFailure::kLoop:
      return "loop";
    case UpstreamFailure::kMalformed:
      return "malformed";
    case UpstreamFailure::kNotAnAnswer:
      return "not-an-answer";
    case UpstreamFailure::kTruncated:
      return "truncated";
    case UpstreamFailure::kServFail:
      return "servfail";
  }
  return "unknown";
}

absl::string_view UpstreamFailurePhase(UpstreamFailure failure) {
  switch (failure) {
    case UpstreamFailure::kConnectRefused:
    case UpstreamFailure::kUnreachable:
    case UpstreamFailure::kOutOfResources:
    case UpstreamFailure::kConnectFailed:
    case UpstreamFailure::kConnectTimeout:
      return "connect";
    case UpstreamFailure::kTlsHandshake:
    case UpstreamFailure::kCertificate:
    case UpstreamFailure::kClientCertificate:
      return "tls";
    case UpstreamFailure::kConnectionLost:
    case UpstreamFailure::kTimeout:
    case UpstreamFailure::kOverloaded:
    case UpstreamFailure::kLoop:
      return "exchange";
    case UpstreamFailure::kMalformed:
    case UpstreamFailure::kNotAnAnswer:
    case UpstreamFailure::kTruncated:
    case UpstreamFailure::kServFail:
      return "response";
  }
  return "unknown";
}

bool IsTransportFailure(UpstreamFailure failure) { return failure <= UpstreamFailure::kTimeout; }

}  // namespace dotcache
