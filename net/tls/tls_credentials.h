// SPDX-License-Identifier: Apache-2.0
// Certificates, keys, trust and pins: immutable once loaded, shared by all workers.
#ifndef DOTCACHE_NET_TLS_TLS_CREDENTIALS_H_
#define DOTCACHE_NET_TLS_TLS_CREDENTIALS_H_

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/tls/spki_pin.h"

namespace dotcache {

// Files with the credentials for connections to an upstream server. All are PEM, except `pins`.
struct TlsClientFiles {
  std::string ca;           // Trusted CA certificates. Empty: the system's trust store.
  std::string certificate;  // The client certificate with its chain, for servers that require one.
  std::string key;          // Its private key. Empty exactly when `certificate` is empty.
  std::string pins;         // A file for LoadPins(). Empty: no pins.

  // clang-tidy 14 takes the 0 of a defaulted comparison for a null pointer.
  friend auto operator<=>(const TlsClientFiles&, const TlsClientFiles&) = default;  // NOLINT
};

// The usual file of the system's trust store. It is watched for changes and never read.
inline constexpr char kSystemTrustFile[] = "/etc/ssl/certs/ca-certificates.crt";

// Trusted CAs, pins and the client certificate for connections to upstream servers. Loading the
// system's trust store takes milliseconds and megabytes, so all workers share one object. Immutable
// and therefore safe from any thread. Sessions share ownership.
class TlsClientCredentials {
 public:
  // Loads all files that `files` names. Errors:
  // - kInvalidArgument names a file that cannot be read or used, or a key of another certificate;
  // - kNotFound: the system's trust store is needed but empty (ca-certificates is not installed).
  static absl::StatusOr<std::unique_ptr<TlsClientCredentials>> Load(const TlsClientFiles& files);
  // Loads the system's trust store only.
  static absl::StatusOr<std::unique_ptr<TlsClientCredentials>> FromSystem() { return Load({}); }
  // Loads only a PEM file with one or more CA certificates.
  static absl::StatusOr<std::unique_ptr<TlsClientCredentials>> FromFile(
      const std::string& ca_file) {
    return Load({.ca = ca_file, .certificate = "", .key = "", .pins = ""});
  }
  ~TlsClientCredentials();

  // The pins of the pins file. TlsSession adds them to TlsPeerIdentity::pins.
  const std::vector<SpkiPin>& pins() const { return pins_; }
  bool has_certificate() const { return has_certificate_; }

  struct Impl;  // Contains GnuTLS types; defined only inside net/.
  const Impl& impl() const { return *impl_; }

 private:
  explicit TlsClientCredentials(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  std::vector<SpkiPin> pins_;
  bool has_certificate_ = false;
};

// Certificate chain and key of a DoT listener. Immutable, shared and safe from any thread, like
// TlsClientCredentials.
class TlsServerCredentials {
 public:
  // Loads both files. kInvalidArgument names the file that cannot be read, or a key of another
  // certificate.
  static absl::StatusOr<std::unique_ptr<TlsServerCredentials>> FromFiles(
      const std::string& certificate_file, const std::string& key_file);
  ~TlsServerCredentials();

  // Unix time at which the first certificate of the chain to expire does so.
  int64_t certificate_expiry() const { return certificate_expiry_; }

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit TlsServerCredentials(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  int64_t certificate_expiry_ = 0;
};

// Checks that a certificate chain and a key can be read and belong together. An error names the
// file.
absl::Status CheckCertificate(const std::string& certificate_file, const std::string& key_file);

// Returns the size of an RSA key in bits, or 0 for a key of another kind.
absl::StatusOr<int> RsaKeyBits(const std::string& key_file);

// How a client session authenticates its server (RFC 8310 section 5):
// - with a name: PKIX validation and that name;
// - without a name: PKIX validation and the address in an IP SAN;
// - with pins: a certificate of the validated chain must also match a pin. Without PKIX trust, the
//   server's own key must match a pin (RFC 7858 section 4.2).
//
// Only `insecure` disables authentication.
struct TlsPeerIdentity {
  std::string authentication_name;  // Empty: `address` is verified instead.
  std::string address;              // Textual IP address, never empty.
  std::vector<SpkiPin> pins;
  bool insecure = false;
  // Accepts RSA keys of 1024 to 2047 bits, and signatures with SHA-1.
  bool legacy_crypto = false;
  friend bool operator==(const TlsPeerIdentity&, const TlsPeerIdentity&) = default;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TLS_TLS_CREDENTIALS_H_
