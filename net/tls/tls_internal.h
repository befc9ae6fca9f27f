// SPDX-License-Identifier: Apache-2.0
// Types shared by the TLS sources of net/. Private to net/, because it exposes GnuTLS.
#ifndef DOTCACHE_NET_TLS_TLS_INTERNAL_H_
#define DOTCACHE_NET_TLS_TLS_INTERNAL_H_

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <memory>
#include <type_traits>
#include <vector>

#include "net/tls/tls_credentials.h"

namespace dotcache {

// Owners of GnuTLS handles.
template <typename Handle, void (*kDeinit)(Handle)>
struct GnutlsDeleter {
  void operator()(Handle handle) const { kDeinit(handle); }
};
template <typename Handle, void (*kDeinit)(Handle)>
using GnutlsPtr = std::unique_ptr<std::remove_pointer_t<Handle>, GnutlsDeleter<Handle, kDeinit>>;

using GnutlsCredentialsPtr =
    GnutlsPtr<gnutls_certificate_credentials_t, gnutls_certificate_free_credentials>;
using GnutlsPriorityPtr = GnutlsPtr<gnutls_priority_t, gnutls_priority_deinit>;
using GnutlsSessionPtr = GnutlsPtr<gnutls_session_t, gnutls_deinit>;
using GnutlsCrtPtr = GnutlsPtr<gnutls_x509_crt_t, gnutls_x509_crt_deinit>;
using GnutlsKeyPtr = GnutlsPtr<gnutls_x509_privkey_t, gnutls_x509_privkey_deinit>;

// Memory that GnuTLS allocated. It may hold keys, so it is overwritten before it is freed.
class GnutlsDatum {
 public:
  GnutlsDatum() = default;
  GnutlsDatum(const GnutlsDatum&) = delete;
  GnutlsDatum& operator=(const GnutlsDatum&) = delete;
  ~GnutlsDatum() {
    if (datum_.data != nullptr) gnutls_memset(datum_.data, 0, datum_.size);
    gnutls_free(datum_.data);
  }
  gnutls_datum_t* get() { return &datum_; }
  const gnutls_datum_t* get() const { return &datum_; }
  absl::string_view view() const {
    return {reinterpret_cast<const char*>(datum_.data), datum_.size};
  }

 private:
  gnutls_datum_t datum_{};
};

struct TlsClientCredentials::Impl {
  GnutlsCredentialsPtr credentials;
  GnutlsPriorityPtr priority;
  GnutlsPriorityPtr legacy_priority;  // For TlsPeerIdentity::legacy_crypto.
};

struct TlsServerCredentials::Impl {
  GnutlsCredentialsPtr credentials;
  GnutlsPriorityPtr priority;
  GnutlsDatum ticket_key;  // GnuTLS derives the rotating ticket keys from it.
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TLS_TLS_INTERNAL_H_
