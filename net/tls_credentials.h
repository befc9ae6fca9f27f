// SPDX-License-Identifier: Apache-2.0
// Certificates, keys, trust and pins: immutable once loaded, shared by all workers.
#ifndef DOTCACHE_NET_TLS_CREDENTIALS_H_
#define DOTCACHE_NET_TLS_CREDENTIALS_H_

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/spki_pin.h"

namespace dotcache {

// Where the credentials for connections to an upstream server come from; all PEM but the pins.
struct TlsClientFiles {
  std::string ca;           // CA certificates to trust; empty: the system's.
  std::string certificate;  // Our own certificate with its chain, for servers that ask for one.
  std::string key;          // Its private key; empty with `certificate`, and only with it.
  std::string pins;         // For LoadPins(); empty: none.

  friend bool operator<(const TlsClientFiles& a, const TlsClientFiles& b) {
    return std::tie(a.ca, a.certificate, a.key, a.pins) <
           std::tie(b.ca, b.certificate, b.key, b.pins);
  }
};

// The file that usually holds the system's trust store: to watch, not to read.
inline constexpr char kSystemTrustFile[] = "/etc/ssl/certs/ca-certificates.crt";

// Trust for connections to upstream servers, and what we prove ourselves with. Loading the system's
// store costs milliseconds and megabytes, so one object serves all workers. Immutable, hence safe
// from any thread; sessions share in it.
class TlsClientCredentials {
 public:
  // All that `files` names. kInvalidArgument naming the file when one cannot be read or used, or
  // the key does not belong to the certificate; kNotFound when the system's trust store is wanted
  // and empty (ca-certificates not installed).
  static absl::StatusOr<std::unique_ptr<TlsClientCredentials>> Load(const TlsClientFiles& files);
  // The system's trust store alone.
  static absl::StatusOr<std::unique_ptr<TlsClientCredentials>> FromSystem() { return Load({}); }
  // A PEM file with one or more CA certificates alone.
  static absl::StatusOr<std::unique_ptr<TlsClientCredentials>> FromFile(
      const std::string& ca_file) {
    return Load({.ca = ca_file, .certificate = "", .key = "", .pins = ""});
  }
  ~TlsClientCredentials();

  // From the pins file: as TlsPeerIdentity::pins, beside which they stand.
  const std::vector<SpkiPin>& pins() const { return pins_; }
  bool has_certificate() const { return has_certificate_; }

  struct Impl;  // GnuTLS types; known to net/ alone.
  const Impl& impl() const { return *impl_; }

 private:
  explicit TlsClientCredentials(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  std::vector<SpkiPin> pins_;
  bool has_certificate_ = false;
};

// Certificate chain and key of a DoT listener. As above.
class TlsServerCredentials {
 public:
  // kInvalidArgument when the key does not belong to the certificate, or either cannot be read; the
  // error names the file.
  static absl::StatusOr<std::unique_ptr<TlsServerCredentials>> FromFiles(
      const std::string& certificate_file, const std::string& key_file);
  ~TlsServerCredentials();

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit TlsServerCredentials(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Whether a certificate chain and a key can be read and belong to each other; the error names the
// file.
absl::Status CheckCertificate(const std::string& certificate_file, const std::string& key_file);

// How a client session authenticates its server (RFC 8310 section 5). With a name: PKIX and that
// name. Without: PKIX and the address in an IP SAN. With pins: one certificate of the verified
// chain must match as well, or, without PKIX trust, the server's own key must match a pin (RFC 7858
// section 4.2). Only `insecure` switches it off.
struct TlsPeerIdentity {
  std::string authentication_name;  // Empty: `address` is checked instead.
  std::string address;              // Textual IP address, never empty.
  std::vector<SpkiPin> pins;
  bool insecure = false;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TLS_CREDENTIALS_H_
