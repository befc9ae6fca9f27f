// SPDX-License-Identifier: Apache-2.0
#include "net/byte_stream.h"

#include "core/names.h"

namespace dotcache {
namespace {

constexpr Named<StreamError> kNames[] = {
    {StreamError::kNone, "none"},
    {StreamError::kConnectRefused, "connect-refused"},
    {StreamError::kUnreachable, "unreachable"},
    {StreamError::kOutOfResources, "out-of-resources"},
    {StreamError::kConnectFailed, "connect-failed"},
    {StreamError::kTlsHandshake, "tls-handshake"},
    {StreamError::kTlsAlpn, "tls-alpn"},
    {StreamError::kTlsCertificate, "tls-certificate"},
    {StreamError::kTlsClientCertificate, "tls-client-certificate"},
    {StreamError::kTlsProtocol, "tls-protocol"},
    {StreamError::kReset, "reset"},
    {StreamError::kWriteOverflow, "write-overflow"}};

}  // namespace

absl::string_view StreamErrorName(StreamError error) { return NameOf(kNames, error, "unknown"); }

}  // namespace dotcache
