// SPDX-License-Identifier: Apache-2.0
#include "net/tls/tls_verify.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "net/tls/tls_internal.h"

namespace dotcache {
namespace {

// The certificates that the server sent, with its own first. Empty when one is malformed.
std::vector<GnutlsCrtPtr> SentChain(gnutls_session_t session) {
  unsigned count = 0;
  const gnutls_datum_t* sent = gnutls_certificate_get_peers(session, &count);
  std::vector<GnutlsCrtPtr> chain;
  for (unsigned i = 0; sent != nullptr && i < count; ++i) {
    gnutls_x509_crt_t certificate;
    if (gnutls_x509_crt_init(&certificate) < 0) return {};
    chain.emplace_back(certificate);
    if (gnutls_x509_crt_import(certificate, &sent[i], GNUTLS_X509_FMT_DER) < 0) return {};
  }
  return chain;
}

bool MatchesPin(gnutls_x509_crt_t certificate, const std::vector<SpkiPin>& pins) {
  SpkiPin pin;
  size_t size = pin.sha256.size();
  return gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, pin.sha256.data(),
                                    &size) == 0 &&
         std::find(pins.begin(), pins.end(), pin) != pins.end();
}

// True when `issuer` is a CA and its key made the signature of `certificate`.
bool IsSignedBy(gnutls_x509_crt_t certificate, gnutls_x509_crt_t issuer) {
  unsigned status = 0;
  return gnutls_x509_crt_check_issuer(certificate, issuer) != 0 &&
         gnutls_x509_crt_verify(certificate, &issuer, 1, 0, &status) == 0 && status == 0;
}

GnutlsCrtPtr TrustedIssuer(gnutls_x509_trust_list_t trust, gnutls_x509_crt_t certificate) {
  gnutls_x509_crt_t issuer = nullptr;
  if (gnutls_x509_trust_list_get_issuer(trust, certificate, &issuer, GNUTLS_TL_GET_COPY) < 0) {
    return nullptr;
  }
  return GnutlsCrtPtr(issuer);
}

// Looks for a pin along the signatures, from the server's certificate up to the trust store. A
// certificate outside that path does not count, because any server can send a copy of the pinned
// certificate.
bool ChainMatchesPin(std::vector<GnutlsCrtPtr> sent, gnutls_x509_trust_list_t trust,
                     const std::vector<SpkiPin>& pins) {
  if (sent.empty()) return false;
  GnutlsCrtPtr certificate = std::move(sent.front());
  sent.erase(sent.begin());
  for (;;) {
    if (MatchesPin(certificate.get(), pins)) return true;
    const GnutlsCrtPtr trusted = TrustedIssuer(trust, certificate.get());
    if (trusted != nullptr && IsSignedBy(certificate.get(), trusted.get())) {
      return MatchesPin(trusted.get(), pins);
    }
    const auto next = std::find_if(sent.begin(), sent.end(), [&](const GnutlsCrtPtr& candidate) {
      return IsSignedBy(certificate.get(), candidate.get());
    });
    if (next == sent.end()) return false;
    GnutlsCrtPtr issuer = std::move(*next);
    sent.erase(next);  // Each certificate is followed once, so a loop of signatures ends.
    certificate = std::move(issuer);
  }
}

bool HasDnsName(gnutls_x509_crt_t certificate) {
  for (unsigned i = 0;; ++i) {
    std::array<char, 256> name;  // Longer than any DNS name.
    size_t size = name.size();
    const int type =
        gnutls_x509_crt_get_subject_alt_name(certificate, i, name.data(), &size, nullptr);
    if (type == GNUTLS_SAN_DNSNAME) return true;
    if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER) return false;
  }
}

std::string Expectation(const TlsPeerIdentity& identity) {
  return identity.authentication_name.empty()
             ? absl::StrCat("expected a certificate for the address ", identity.address,
                            NameHint(identity))
             : absl::StrCat("expected a certificate for ", identity.authentication_name);
}

// "The certificate is NOT trusted. The certificate chain uses expired certificate." and the like.
std::string StatusText(unsigned status) {
  GnutlsDatum text;
  if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, text.get(), 0) < 0) {
    return "The certificate is NOT trusted.";
  }
  return std::string(absl::StripAsciiWhitespace(text.view()));
}

// Sets `status` to the result of PKIX validation, including the name or address. 0 is success.
int VerifyPkix(gnutls_session_t session, const TlsPeerIdentity& identity, unsigned& status) {
  std::string purpose = GNUTLS_KP_TLS_WWW_SERVER;
  std::string name = identity.authentication_name;
  std::array<uint8_t, 16> address{};
  std::array<gnutls_typed_vdata_st, 2> wanted{};
  wanted[0].type = GNUTLS_DT_KEY_PURPOSE_OID;
  wanted[0].data = reinterpret_cast<uint8_t*>(purpose.data());
  if (!name.empty()) {
    wanted[1].type = GNUTLS_DT_DNS_HOSTNAME;
    wanted[1].data = reinterpret_cast<uint8_t*>(name.data());
  } else {
    const bool is_v6 = identity.address.find(':') != std::string::npos;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, identity.address.c_str(), address.data()) != 1) {
      return GNUTLS_E_INVALID_REQUEST;
    }
    wanted[1].type = GNUTLS_DT_IP_ADDRESS;
    wanted[1].data = address.data();
    wanted[1].size = is_v6 ? 16 : 4;
  }
  return gnutls_certificate_verify_peers(session, wanted.data(), wanted.size(), &status);
}

// Says why a key is too weak, as the strict priority in tls_credentials.cc judges it.
std::string KeyWeakness(gnutls_x509_crt_t certificate) {
  constexpr unsigned kMinRsaBits = 2048;
  unsigned bits = 0;
  const int algorithm = gnutls_x509_crt_get_pk_algorithm(certificate, &bits);
  if (algorithm != GNUTLS_PK_RSA || bits >= kMinRsaBits) return "";
  return absl::StrCat("an RSA key has ", bits, " bits, and ", kMinRsaBits,
                      " are required; `legacy-crypto: true` accepts 1024");
}

// The same for the keys and signatures of a chain.
std::string ChainWeakness(const std::vector<GnutlsCrtPtr>& chain) {
  for (const GnutlsCrtPtr& certificate : chain) {
    std::string weakness = KeyWeakness(certificate.get());
    if (!weakness.empty()) return weakness;
    const int signature = gnutls_x509_crt_get_signature_algorithm(certificate.get());
    if (gnutls_sign_get_hash_algorithm(static_cast<gnutls_sign_algorithm_t>(signature)) ==
        GNUTLS_DIG_SHA1) {
      return "a signature uses SHA-1, which only `legacy-crypto: true` accepts";
    }
  }
  return "";
}

}  // namespace

std::string VerifyServer(gnutls_session_t session, const TlsClientCredentials& credentials,
                         const TlsPeerIdentity& identity) {
  if (identity.insecure) return "";
  unsigned status = GNUTLS_CERT_INVALID;
  const int code = VerifyPkix(session, identity, status);
  if (code < 0) return absl::StrCat("the certificate cannot be verified: ", gnutls_strerror(code));
  std::vector<GnutlsCrtPtr> sent = SentChain(session);
  if (sent.empty()) return "the server has sent no valid certificate";

  // Without PKIX trust, a pin is sufficient. The pin identifies the server's key, and the handshake
  // proves that the server has it. No trusted CA confirms the names and dates, so they are not
  // checked.
  const bool is_untrusted =
      (status & GNUTLS_CERT_SIGNER_NOT_FOUND) != 0 && (status & GNUTLS_CERT_REVOKED) == 0;
  if (is_untrusted && !identity.pins.empty()) {
    const std::string weakness = identity.legacy_crypto ? "" : KeyWeakness(sent.front().get());
    if (!weakness.empty()) return absl::StrCat("The certificate is weak: ", weakness, ".");
    if (MatchesPin(sent.front().get(), identity.pins)) return "";
    return absl::StrCat(StatusText(status), " Its key does not match a pin either.");
  }
  if ((status & GNUTLS_CERT_INSECURE_ALGORITHM) != 0) {
    const std::string weakness = ChainWeakness(sent);
    if (!weakness.empty()) return absl::StrCat(StatusText(status), " (", weakness, ")");
  }
  if (status != 0) return absl::StrCat(StatusText(status), " (", Expectation(identity), ")");

  // GnuTLS also accepts the common name, which RFC 9525 section 2 forbids.
  if (!identity.authentication_name.empty() && !HasDnsName(sent.front().get())) {
    return absl::StrCat("The certificate has no DNS name as subject alternative name. (",
                        Expectation(identity), ")");
  }
  if (identity.pins.empty()) return "";
  gnutls_x509_trust_list_t trust = nullptr;
  gnutls_certificate_get_trust_list(credentials.impl().credentials.get(), &trust);
  if (ChainMatchesPin(std::move(sent), trust, identity.pins)) return "";
  return "The certificate is trusted, but no key of its chain matches a pin.";
}

std::string NameHint(const TlsPeerIdentity& identity) {
  if (!identity.authentication_name.empty()) return "";
  return "; no name was sent (SNI): if the provider has one, append #NAME to its address";
}

bool IsAboutCertificate(gnutls_alert_description_t alert) {
  switch (alert) {
    case GNUTLS_A_BAD_CERTIFICATE:
    case GNUTLS_A_UNSUPPORTED_CERTIFICATE:
    case GNUTLS_A_CERTIFICATE_REVOKED:
    case GNUTLS_A_CERTIFICATE_EXPIRED:
    case GNUTLS_A_CERTIFICATE_UNKNOWN:
    case GNUTLS_A_UNKNOWN_CA:
    case GNUTLS_A_ACCESS_DENIED:
    case GNUTLS_A_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

}  // namespace dotcache
