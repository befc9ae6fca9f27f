// SPDX-License-Identifier: Apache-2.0
#include "net/tls/tls_credentials.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/status_macros.h"
#include "net/tls/tls_internal.h"

namespace dotcache {
namespace {

// TLS 1.2 and 1.3 with forward secrecy and AEAD ciphers (RFC 9325). X25519 comes first, so the
// ClientHello carries a key share for it alone.
constexpr absl::string_view kPriority =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:"
    "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
    "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:";
// No signature uses SHA-1 (RFC 9155).
constexpr absl::string_view kWithoutSha1 = "-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1";
// The same, and RSA keys have 2048 bits or more (RFC 9325 section 4.1).
constexpr absl::string_view kStrict = "-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%PROFILE_MEDIUM";
constexpr absl::string_view kLegacy =
    "+SIGN-RSA-SHA1:+SIGN-ECDSA-SHA1:%PROFILE_LOW:%VERIFY_ALLOW_SIGN_WITH_SHA1";

absl::Status GnutlsError(absl::string_view what, int code) {
  return absl::InvalidArgumentError(absl::StrCat(what, ": ", gnutls_strerror(code)));
}

absl::StatusOr<GnutlsCredentialsPtr> NewCredentials() {
  gnutls_certificate_credentials_t credentials;
  if (gnutls_certificate_allocate_credentials(&credentials) < 0) {
    return absl::ResourceExhaustedError("out of memory for TLS credentials");
  }
  return GnutlsCredentialsPtr(credentials);
}

absl::StatusOr<GnutlsPriorityPtr> NewPriority(absl::string_view strength) {
  gnutls_priority_t priority;
  const int code =
      gnutls_priority_init(&priority, absl::StrCat(kPriority, strength).c_str(), nullptr);
  if (code < 0) return GnutlsError("the system's GnuTLS policy forbids TLS 1.2 and 1.3", code);
  return GnutlsPriorityPtr(priority);
}

absl::StatusOr<std::unique_ptr<TlsClientCredentials::Impl>> NewClientImpl() {
  auto impl = std::make_unique<TlsClientCredentials::Impl>();
  ASSIGN_OR_RETURN(impl->credentials, NewCredentials());
  ASSIGN_OR_RETURN(impl->priority, NewPriority(kStrict));
  ASSIGN_OR_RETURN(impl->legacy_priority, NewPriority(kLegacy));
  // An address must match an IP SAN. A DNS SAN with the address as text does not count.
  gnutls_certificate_set_verify_flags(impl->credentials.get(),
                                      GNUTLS_VERIFY_DO_NOT_ALLOW_IP_MATCHES);
  return impl;
}

absl::Status Load(const std::string& file, absl::string_view what, GnutlsDatum& content) {
  const int code = gnutls_load_file(file.c_str(), content.get());
  if (code >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("cannot read the ", what, " file ", file));
}

absl::Status LoadChain(const std::string& file, std::vector<GnutlsCrtPtr>& chain) {
  GnutlsDatum content;
  RETURN_IF_ERROR(Load(file, "certificate", content));
  gnutls_x509_crt_t* certificates = nullptr;
  unsigned count = 0;
  const int code = gnutls_x509_crt_list_import2(&certificates, &count, content.get(),
                                                GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);
  if (code < 0) return GnutlsError(absl::StrCat("no certificate chain (PEM) in ", file), code);
  for (unsigned i = 0; i < count; ++i) chain.emplace_back(certificates[i]);
  gnutls_free(certificates);
  return absl::OkStatus();
}

absl::Status LoadKey(const std::string& file, GnutlsKeyPtr& key) {
  GnutlsDatum content;
  RETURN_IF_ERROR(Load(file, "key", content));
  gnutls_x509_privkey_t raw;
  if (gnutls_x509_privkey_init(&raw) < 0) {
    return absl::ResourceExhaustedError("out of memory for a private key");
  }
  key.reset(raw);
  const int code = gnutls_x509_privkey_import2(raw, content.get(), GNUTLS_X509_FMT_PEM, nullptr, 0);
  if (code < 0) {
    return GnutlsError(absl::StrCat("no private key (PEM, without password) in ", file), code);
  }
  return absl::OkStatus();
}

absl::Status SetCertificate(const std::string& certificate_file, const std::string& key_file,
                            gnutls_certificate_credentials_t credentials) {
  std::vector<GnutlsCrtPtr> chain;
  RETURN_IF_ERROR(LoadChain(certificate_file, chain));
  GnutlsKeyPtr key;
  RETURN_IF_ERROR(LoadKey(key_file, key));
  std::vector<gnutls_x509_crt_t> raw_chain;
  for (const GnutlsCrtPtr& certificate : chain) raw_chain.push_back(certificate.get());
  const int code = gnutls_certificate_set_x509_key(credentials, raw_chain.data(),
                                                   static_cast<int>(raw_chain.size()), key.get());
  if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the key in ", key_file, " does not belong to the certificate in ", certificate_file));
  }
  if (code < 0) {
    return GnutlsError(absl::StrCat("cannot use ", certificate_file, " with ", key_file), code);
  }
  return absl::OkStatus();
}

// Of a certificate chain that was set.
int64_t FirstExpiry(gnutls_certificate_credentials_t credentials) {
  gnutls_x509_crt_t* certificates = nullptr;
  unsigned count = 0;
  if (gnutls_certificate_get_x509_crt(credentials, 0, &certificates, &count) < 0) return 0;
  int64_t first = std::numeric_limits<int64_t>::max();
  for (unsigned i = 0; i < count; ++i) {
    const GnutlsCrtPtr certificate(certificates[i]);
    first = std::min<int64_t>(first, gnutls_x509_crt_get_expiration_time(certificate.get()));
  }
  gnutls_free(certificates);
  return count == 0 ? 0 : first;
}

absl::Status TrustSystem(gnutls_certificate_credentials_t credentials) {
  if (gnutls_certificate_set_x509_system_trust(credentials) > 0) return absl::OkStatus();
  return absl::NotFoundError(
      "the system has no trusted CA certificates: install the package ca-certificates, or name "
      "a CA file");
}

absl::Status TrustFile(const std::string& ca_file, gnutls_certificate_credentials_t credentials) {
  GnutlsDatum content;
  RETURN_IF_ERROR(Load(ca_file, "CA", content));
  const int count =
      gnutls_certificate_set_x509_trust_mem(credentials, content.get(), GNUTLS_X509_FMT_PEM);
  const std::string error = absl::StrCat("no CA certificate (PEM) in ", ca_file);
  if (count < 0) return GnutlsError(error, count);
  return count == 0 ? absl::InvalidArgumentError(error) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsClientCredentials>> TlsClientCredentials::Load(
    const TlsClientFiles& files) {
  ASSIGN_OR_RETURN(std::unique_ptr<Impl> impl, NewClientImpl());
  const gnutls_certificate_credentials_t credentials = impl->credentials.get();
  RETURN_IF_ERROR(files.ca.empty() ? TrustSystem(credentials) : TrustFile(files.ca, credentials));
  auto loaded = std::unique_ptr<TlsClientCredentials>(new TlsClientCredentials(std::move(impl)));
  if (!files.certificate.empty()) {
    RETURN_IF_ERROR(SetCertificate(files.certificate, files.key, credentials));
    loaded->has_certificate_ = true;
  }
  if (!files.pins.empty()) {
    ASSIGN_OR_RETURN(loaded->pins_, LoadPins(files.pins));
  }
  return loaded;
}

TlsClientCredentials::TlsClientCredentials(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsClientCredentials::~TlsClientCredentials() = default;

absl::StatusOr<std::unique_ptr<TlsServerCredentials>> TlsServerCredentials::FromFiles(
    const std::string& certificate_file, const std::string& key_file) {
  auto impl = std::make_unique<Impl>();
  ASSIGN_OR_RETURN(impl->credentials, NewCredentials());
  ASSIGN_OR_RETURN(impl->priority, NewPriority(kWithoutSha1));
  RETURN_IF_ERROR(SetCertificate(certificate_file, key_file, impl->credentials.get()));
  const int code = gnutls_session_ticket_key_generate(impl->ticket_key.get());
  if (code < 0) return GnutlsError("cannot generate the key for session tickets", code);
  const int64_t expiry = FirstExpiry(impl->credentials.get());
  auto loaded = std::unique_ptr<TlsServerCredentials>(new TlsServerCredentials(std::move(impl)));
  loaded->certificate_expiry_ = expiry;
  return loaded;
}

absl::Status CheckCertificate(const std::string& certificate_file, const std::string& key_file) {
  ASSIGN_OR_RETURN(const GnutlsCredentialsPtr credentials, NewCredentials());
  return SetCertificate(certificate_file, key_file, credentials.get());
}

absl::StatusOr<int> RsaKeyBits(const std::string& key_file) {
  GnutlsKeyPtr key;
  RETURN_IF_ERROR(LoadKey(key_file, key));
  unsigned bits = 0;
  const int kind = gnutls_x509_privkey_get_pk_algorithm2(key.get(), &bits);
  if (kind < 0) return GnutlsError(absl::StrCat("cannot use ", key_file), kind);
  return kind == GNUTLS_PK_RSA || kind == GNUTLS_PK_RSA_PSS ? static_cast<int>(bits) : 0;
}

TlsServerCredentials::TlsServerCredentials(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServerCredentials::~TlsServerCredentials() = default;

}  // namespace dotcache
