// SPDX-License-Identifier: Apache-2.0
// Authenticates a server by its certificate chain. Private to net/, because it exposes GnuTLS.
#ifndef DOTCACHE_NET_TLS_TLS_VERIFY_H_
#define DOTCACHE_NET_TLS_TLS_VERIFY_H_

#include <gnutls/gnutls.h>

#include <string>

#include "net/tls/tls_credentials.h"

namespace dotcache {

// Verifies the certificate chain that the server has shown in the handshake of `session`.
// TlsPeerIdentity has the rules (RFC 7858 section 4.2, RFC 8310 sections 5 and 8). Returns an empty
// string on success, otherwise the reason in words.
//
// Not called for a resumed session, which shows no certificate. There the server proves that it
// holds the secret of a session that was verified.
std::string VerifyServer(gnutls_session_t session, const TlsClientCredentials& credentials,
                         const TlsPeerIdentity& identity);

// True for an alert by which a server rejects or requires a client certificate.
bool IsAboutCertificate(gnutls_alert_description_t alert);

// Words for a client that names no server (SNI): some servers have a certificate for each name, and
// none without a name. Empty if the client names one.
std::string NameHint(const TlsPeerIdentity& identity);

}  // namespace dotcache

#endif  // DOTCACHE_NET_TLS_TLS_VERIFY_H_
