// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/connect_failure.h"

#include "absl/strings/str_cat.h"

namespace dotcache {

UpstreamFailure FailureToConnect(StreamError error) {
  switch (error) {
    case StreamError::kConnectRefused:
      return UpstreamFailure::kConnectRefused;
    case StreamError::kUnreachable:
      return UpstreamFailure::kUnreachable;
    case StreamError::kOutOfResources:
      return UpstreamFailure::kOutOfResources;
    case StreamError::kTlsCertificate:
      return UpstreamFailure::kCertificate;
    case StreamError::kTlsClientCertificate:
      return UpstreamFailure::kClientCertificate;
    case StreamError::kTlsHandshake:
    case StreamError::kTlsAlpn:
    case StreamError::kTlsProtocol:
    case StreamError::kReset:
      return UpstreamFailure::kTlsHandshake;
    default:
      return UpstreamFailure::kConnectFailed;
  }
}

TcpOptions SocketOptions(const UpstreamLimits& limits) {
  TcpOptions options;
  options.write_marks.limit = static_cast<size_t>(limits.tuning.max_write_backlog_bytes);
  options.outgoing = limits.outgoing;
  options.user_timeout = 2 * limits.tuning.max_attempt_timeout;
  return options;
}

bool OfferLess(const TlsStream& tls, StreamError error, bool& refuses_alpn,
               TlsTicketStore& tickets) {
  if (!tls.connected()) return false;
  const bool alpn_refused = error == StreamError::kTlsAlpn && tls.offered_alpn();
  const bool may_be_ticket = error != StreamError::kTlsCertificate && tls.offered_ticket();
  if (may_be_ticket || alpn_refused) tickets.Clear();
  // If less was not enough, the server may require ALPN now.
  refuses_alpn = alpn_refused || (may_be_ticket && refuses_alpn);
  return alpn_refused || may_be_ticket;
}

ConnectTimeout DescribeConnectTimeout(const TlsStream* tls, uint16_t port, Milliseconds limit) {
  const std::string time = absl::StrCat(limit.count(), " ms (upstream-connect-timeout)");
  if (tls == nullptr || !tls->connected()) {
    return {UpstreamFailure::kConnectTimeout,
            absl::StrCat("no answer to the TCP connect within ", time,
                         ": is the address right, and does a firewall drop port ", port, "?")};
  }
  if (!tls->heard()) {
    return {UpstreamFailure::kTlsTimeout,
            absl::StrCat("connected, but no answer to the TLS ClientHello within ", time,
                         ": is port ", port, " a DNS port without TLS?")};
  }
  return {UpstreamFailure::kTlsTimeout, absl::StrCat("the TLS handshake was not finished within ",
                                                     time, ": raise the limit for a slow server")};
}

}  // namespace dotcache
