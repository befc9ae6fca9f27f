// SPDX-License-Identifier: Apache-2.0
// Authentication of a server by its certificate chain. Not for other folders: it shows GnuTLS.
#ifndef DOTCACHE_NET_TLS_VERIFY_H_
#define DOTCACHE_NET_TLS_VERIFY_H_

#include <gnutls/gnutls.h>

#include <string>

#include "net/tls_credentials.h"

namespace dotcache {

// Judges the chain that the server of `session`, in its handshake, has shown, as TlsPeerIdentity
// says (RFC 7858 section 4.2, RFC 8310 sections 5 and 8). Returns an empty string when the server
// is who it should be, else the reason in words.
//
// Not called on a resumed session, which shows no certificate: there the server proves that it
// holds the secret of a session that was verified.
std::string VerifyServer(gnutls_session_t session, const TlsClientCredentials& credentials,
                         const TlsPeerIdentity& identity);

// True for what a server says to a client whose certificate it will not have, or misses.
bool IsAboutCertificate(gnutls_alert_description_t alert);

}  // namespace dotcache

#endif  // DOTCACHE_NET_TLS_VERIFY_H_
