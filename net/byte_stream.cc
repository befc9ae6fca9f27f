// SPDX-License-Identifier: Apache-2.0
#include "net/byte_stream.h"

namespace dotcache {

absl::string_view StreamErrorName(StreamError error) {
  switch (error) {
    case StreamError::kNone:
      return "none";
    case StreamError::kConnectRefused:
      return "connect-refused";
    case StreamError::kUnreachable:
      return "unreachable";
    case StreamError::kOutOfResources:
      return "out-of-resources";
    case StreamError::kConnectFailed:
      return "connect-failed";
    case StreamError::kTlsHandshake:
      return "tls-handshake";
    case StreamError::kTlsCertificate:
      return "tls-certificate";
    case StreamError::kTlsClientCertificate:
      return "tls-client-certificate";
    case StreamError::kTlsProtocol:
      return "tls-protocol";
    case StreamError::kReset:
      return "reset";
    case StreamError::kWriteOverflow:
      return "write-overflow";
  }
  return "unknown";
}

}  // namespace dotcache
