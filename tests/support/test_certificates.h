// SPDX-License-Identifier: Apache-2.0
// Certificates for tests of TLS.
#ifndef DOTCACHE_TESTS_SUPPORT_TEST_CERTIFICATES_H_
#define DOTCACHE_TESTS_SUPPORT_TEST_CERTIFICATES_H_

#include <string>

namespace dotcache {

// PEM files of one certificate (with its chain) and of its key.
struct TestCertificate {
  std::string certificate_file;
  std::string key_file;
  std::string spki_pin;  // As SpkiPin::Parse() takes it: the pin of the first certificate.
};

// Certificates for each way in which authentication of a server can go. All are signed by `ca`
// with ECDSA P-256 and name kTestServerName, unless said otherwise.
struct TestCertificates {
  TestCertificate ca;                // A root. What a client trusts is ca.certificate_file.
  TestCertificate server;            // Also 127.0.0.1 and ::1.
  TestCertificate name_only;         // No address.
  TestCertificate address_only;      // 127.0.0.1 and ::1; the name only as common name (CN).
  TestCertificate other_name;        // other.example.net and 192.0.2.1.
  TestCertificate wildcard;          // *.example.net.
  TestCertificate common_name_only;  // The name only as common name (CN): no SAN at all.
  TestCertificate expired;           // Since yesterday. Also 127.0.0.1.
  TestCertificate not_yet_valid;     // Until tomorrow.
  TestCertificate wrong_purpose;     // Extended key usage: client authentication alone.
  TestCertificate client;        // For the same, of an intermediate CA that follows in the file.
  TestCertificate expires_soon;  // An hour from now.
  TestCertificate self_signed;   // By its own key, no CA. Also 127.0.0.1.
  TestCertificate expired_self_signed;
  TestCertificate untrusted;        // By another root. Also 127.0.0.1.
  TestCertificate by_intermediate;  // Signed by `intermediate`, which follows in the file.
  TestCertificate intermediate;     // A CA below `ca`.
  TestCertificate with_stranger;    // Followed in the file by the certificate of `other_name`.
  TestCertificate mismatched;       // The certificate of `server` with the key of `name_only`.
  std::string garbage_file;         // Not PEM.
  std::string missing_file;         // Does not exist.
};

inline constexpr char kTestServerName[] = "dns.example.net";

// Made on the first call of the process, in a directory of its own, which goes with the process.
const TestCertificates& GetTestCertificates();

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_TEST_CERTIFICATES_H_
