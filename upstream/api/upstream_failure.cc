// SPDX-License-Identifier: Apache-2.0
#include "upstream/api/upstream_failure.h"

#include "core/names.h"

namespace dotcache {
namespace {

constexpr Named<UpstreamFailure> kNames[] = {
    {UpstreamFailure::kConnectRefused, "refused"},
    {UpstreamFailure::kUnreachable, "unreachable"},
    {UpstreamFailure::kOutOfResources, "out-of-resources"},
    {UpstreamFailure::kConnectFailed, "connect-failed"},
    {UpstreamFailure::kConnectTimeout, "connect-timeout"},
    {UpstreamFailure::kTlsTimeout, "tls-timeout"},
    {UpstreamFailure::kTlsHandshake, "tls-handshake"},
    {UpstreamFailure::kCertificate, "certificate"},
    {UpstreamFailure::kClientCertificate, "client-certificate"},
    {UpstreamFailure::kConnectionLost, "connection-lost"},
    {UpstreamFailure::kTimeout, "timeout"},
    {UpstreamFailure::kOverloaded, "overloaded"},
    {UpstreamFailure::kLoop, "loop"},
    {UpstreamFailure::kMalformed, "malformed"},
    {UpstreamFailure::kNotAnAnswer, "not-an-answer"},
    {UpstreamFailure::kTruncated, "truncated"},
    {UpstreamFailure::kServFail, "servfail"}};

}  // namespace

absl::string_view UpstreamFailureName(UpstreamFailure failure) {
  return NameOf(kNames, failure, "unknown");
}

// The list is in the order of the phases.
absl::string_view UpstreamFailurePhase(UpstreamFailure failure) {
  if (failure <= UpstreamFailure::kConnectTimeout) return "connect";
  if (failure <= UpstreamFailure::kClientCertificate) return "tls";
  return failure <= UpstreamFailure::kLoop ? "exchange" : "response";
}

bool IsTransportFailure(UpstreamFailure failure) { return failure <= UpstreamFailure::kTimeout; }

}  // namespace dotcache
