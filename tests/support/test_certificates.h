// SPDX-License-Identifier: Apache-2.0
// Certificates for TLS tests.
#ifndef DOTCACHE_TESTS_SUPPORT_TEST_CERTIFICATES_H_
#define DOTCACHE_TESTS_SUPPORT_TEST_CERTIFICATES_H_

#include <string>

namespace dotcache {

// PEM files of one certificate (with its chain) and its key.
struct TestCertificate {
  std::string certificate_file;
  std::string key_file;
  std::string spki_pin;  // The pin of the first certificate, in the format of SpkiPin::Parse().
};

// Certificates for each way in which server authentication can succeed or fail. Unless stated
// otherwise, they are signed by `ca` with ECDSA P-256 and name kTestServerName.
struct TestCertificates {
  TestCertificate ca;         // A root CA. Clients trust ca.certificate_file.
  TestCertificate server;     // Also names 127.0.0.1 and ::1.
  TestCertificate name_only;  // Names no address.
  // Names 127.0.0.1 and ::1. The host name is only the common name (CN).
  TestCertificate address_only;
  TestCertificate other_name;        // Names other.example.net and 192.0.2.1.
  TestCertificate wildcard;          // Names *.example.net.
  TestCertificate common_name_only;  // The host name is only the common name (CN). There is no SAN.
  TestCertificate expired;           // Expired yesterday. Also names 127.0.0.1.
  TestCertificate not_yet_valid;     // Valid from tomorrow.
  TestCertificate wrong_purpose;     // Its extended key usage is only client authentication.
  // A client certificate of an intermediate CA, which follows in the file.
  TestCertificate client;
  TestCertificate expires_soon;  // Expires in an hour.
  TestCertificate self_signed;   // Signed by its own key, not a CA. Also names 127.0.0.1.
  TestCertificate expired_self_signed;
  TestCertificate untrusted;        // Signed by another root CA. Also names 127.0.0.1.
  TestCertificate by_intermediate;  // Signed by `intermediate`, which follows in the file.
  TestCertificate intermediate;     // A CA below `ca`.
  TestCertificate with_stranger;    // The certificate of `other_name` follows in the file.
  TestCertificate rsa_1024;         // Its RSA key has 1024 bits.
  TestCertificate rsa_1024_self_signed;
  TestCertificate rsa_2048;
  TestCertificate signed_with_sha1;
  TestCertificate mismatched;  // The certificate of `server` with the key of `name_only`.
  std::string garbage_file;    // Not PEM.
  std::string missing_file;    // Does not exist.
};

inline constexpr char kTestServerName[] = "dns.example.net";

// Makes the certificates on the first call in a process, in a directory of its own. The directory
// is removed when the process ends.
const TestCertificates& GetTestCertificates();

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_TEST_CERTIFICATES_H_
