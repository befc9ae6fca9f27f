// Certificates, keys, trust and pins: loaded once, immutable, shared by all workers.
#ifndef DOTCACHE_NET_TLS_CREDENTIALS_H_
#define DOTCACHE_NET_TLS_CREDENTIALS_H_

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dotcache {

// SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7858 section 4.2).
struct SpkiPin {
  std::array<uint8_t, 32> sha256{};

  // Base64 as in "sha256/AAAA...=" or without the prefix. kInvalidArgument otherwise.
  static absl::StatusOr<SpkiPin> Parse(absl::string_view text);
  std::string ToString() const;
  friend bool operator==(const SpkiPin& a, const SpkiPin& b) { return a.sha256 == b.sha256; }
};

// Trust for connections to upstream servers. Loading the system's store costs milliseconds and
// megabytes, so one object serves all workers. Immutable, hence safe from any thread; must outlive
// the sessions made with it.
class TlsClientCredentials {
 public:
  // The system's trust store. kNotFound when it is empty (ca-certificates not installed).
  static absl::StatusOr<std::unique_ptr<TlsClientCredentials>> FromSystem();
  // A PEM file with one or more CA certificates. The error names the file.
  static absl::StatusOr<std::unique_ptr<TlsClientCredentials>> FromFile(const std::string& ca_file);
  ~TlsClientCredentials();

  struct Impl;  // GnuTLS types; known to net/ alone.
  const Impl& impl() const { return *impl_; }

 private:
  explicit TlsClientCredentials(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
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
