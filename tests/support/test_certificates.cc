// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_certificates.h"

#include <arpa/inet.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace dotcache {
namespace {

constexpr time_t kHour = 3600;
constexpr time_t kDay = 24 * kHour;

struct CrtDeleter {
  void operator()(gnutls_x509_crt_t crt) const { gnutls_x509_crt_deinit(crt); }
};
struct KeyDeleter {
  void operator()(gnutls_x509_privkey_t key) const { gnutls_x509_privkey_deinit(key); }
};
using CrtPtr = std::unique_ptr<std::remove_pointer_t<gnutls_x509_crt_t>, CrtDeleter>;
using KeyPtr = std::unique_ptr<std::remove_pointer_t<gnutls_x509_privkey_t>, KeyDeleter>;

// Ends the process on a failure, because TLS tests need the certificates.
void Check(int code, const char* what) {
  if (code >= 0) return;
  std::fprintf(stderr, "test_certificates: %s: %s\n", what, gnutls_strerror(code));
  std::abort();
}

// The properties of a certificate.
struct Profile {
  std::vector<std::string> names = {kTestServerName};
  std::vector<std::string> addresses = {};
  bool is_ca = false;
  const char* purpose = GNUTLS_KP_TLS_WWW_SERVER;
  time_t valid_from = -kDay;  // Both in seconds from now.
  time_t valid_until = 3650 * kDay;
  unsigned rsa_bits = 0;  // 0: an ECDSA key.
  gnutls_digest_algorithm_t hash = GNUTLS_DIG_SHA256;
};

struct Issued {
  CrtPtr crt;
  KeyPtr key;
};

class Maker {
 public:
  explicit Maker(std::string directory) : directory_(std::move(directory)) {}

  // If `issuer` is null, the certificate is signed by its own key.
  Issued Issue(const char* common_name, const Profile& profile, const Issued* issuer) {
    gnutls_x509_privkey_t key;
    Check(gnutls_x509_privkey_init(&key), "key init");
    Issued issued{nullptr, KeyPtr(key)};
    const unsigned ecdsa_bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
    Check(profile.rsa_bits > 0
              ? gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, profile.rsa_bits, 0)
              : gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, ecdsa_bits, 0),
          "key generate");
    gnutls_x509_crt_t crt;
    Check(gnutls_x509_crt_init(&crt), "certificate init");
    issued.crt.reset(crt);
    FillIn(crt, key, common_name, profile);
    const Issued& signer = issuer != nullptr ? *issuer : issued;
    if (issuer != nullptr) {
      const auto issuer_id = KeyId(issuer->crt.get(), GNUTLS_KEYID_USE_SHA1);
      Check(gnutls_x509_crt_set_authority_key_id(crt, issuer_id.data(), issuer_id.size()), "AKI");
    }
    Check(gnutls_x509_crt_sign2(crt, signer.crt.get(), signer.key.get(), profile.hash, 0), "sign");
    return issued;
  }

  TestCertificate Save(const std::string& name, const Issued& issued,
                       const Issued* next_in_chain = nullptr) {
    std::string pem = Pem(issued.crt.get());
    if (next_in_chain != nullptr) pem += Pem(next_in_chain->crt.get());
    gnutls_datum_t key_pem{};
    Check(gnutls_x509_privkey_export2_pkcs8(issued.key.get(), GNUTLS_X509_FMT_PEM, nullptr,
                                            GNUTLS_PKCS_PLAIN, &key_pem),
          "key export");
    const std::string key_text(reinterpret_cast<char*>(key_pem.data), key_pem.size);
    gnutls_free(key_pem.data);
    const auto pin = KeyId(issued.crt.get(), GNUTLS_KEYID_USE_SHA256);
    const absl::string_view pin_text(reinterpret_cast<const char*>(pin.data()), pin.size());
    return {.certificate_file = SaveText(name + ".pem", pem),
            .key_file = SaveText(name + ".key", key_text),
            .spki_pin = absl::StrCat("sha256/", absl::Base64Escape(pin_text))};
  }

  std::string SaveText(const std::string& name, const std::string& text) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  TestCertificate IssueAndSave(const std::string& name, const Profile& profile,
                               const Issued* issuer) {
    return Save(name, Issue(kTestServerName, profile, issuer));
  }

 private:
  static std::vector<uint8_t> KeyId(gnutls_x509_crt_t crt, unsigned flags) {
    std::vector<uint8_t> id(64);
    size_t size = id.size();
    Check(gnutls_x509_crt_get_key_id(crt, flags, id.data(), &size), "key id");
    id.resize(size);
    return id;
  }

  static std::string Pem(gnutls_x509_crt_t crt) {
    gnutls_datum_t pem{};
    Check(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), "certificate export");
    std::string text(reinterpret_cast<char*>(pem.data), pem.size);
    gnutls_free(pem.data);
    return text;
  }

  void FillIn(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char* common_name,
              const Profile& profile) {
    const time_t now = time(nullptr);
    const std::array<uint8_t, 2> serial = {1, ++serial_};
    Check(gnutls_x509_crt_set_version(crt, 3), "version");
    Check(gnutls_x509_crt_set_serial(crt, serial.data(), serial.size()), "serial");
    Check(gnutls_x509_crt_set_activation_time(crt, now + profile.valid_from), "activation");
    Check(gnutls_x509_crt_set_expiration_time(crt, now + profile.valid_until), "expiration");
    Check(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, common_name,
                                        static_cast<unsigned>(strlen(common_name))),
          "common name");
    Check(gnutls_x509_crt_set_key(crt, key), "set key");
    Check(gnutls_x509_crt_set_basic_constraints(crt, profile.is_ca ? 1 : 0, -1), "constraints");
    Check(gnutls_x509_crt_set_key_usage(
              crt, profile.is_ca ? GNUTLS_KEY_KEY_CERT_SIGN : GNUTLS_KEY_DIGITAL_SIGNATURE),
          "key usage");
    const auto id = KeyId(crt, GNUTLS_KEYID_USE_SHA1);
    Check(gnutls_x509_crt_set_subject_key_id(crt, id.data(), id.size()), "SKI");
    if (profile.is_ca) return;
    Check(gnutls_x509_crt_set_key_purpose_oid(crt, profile.purpose, 0), "purpose");
    for (const std::string& name : profile.names) {
      Check(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name.data(),
                                                 static_cast<unsigned>(name.size()),
                                                 GNUTLS_FSAN_APPEND),
            "DNS SAN");
    }
    for (const std::string& text : profile.addresses) {
      const int family = text.find(':') == std::string::npos ? AF_INET : AF_INET6;
      std::array<uint8_t, 16> address{};
      Check(inet_pton(family, text.c_str(), address.data()) - 1, "address");
      Check(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address.data(),
                                                 family == AF_INET ? 4 : 16, GNUTLS_FSAN_APPEND),
            "IP SAN");
    }
  }

  std::string directory_;
  uint8_t serial_ = 0;
};

TestCertificates MakeAll(const std::string& directory) {
  const std::vector<std::string> loopback = {"127.0.0.1", "::1"};
  Maker maker(directory);
  const Issued ca = maker.Issue("Test root", {.is_ca = true}, nullptr);
  const Issued other_ca = maker.Issue("Other root", {.is_ca = true}, nullptr);
  const Issued intermediate = maker.Issue("Test intermediate", {.is_ca = true}, &ca);
  TestCertificates all;
  all.ca = maker.Save("ca", ca);
  all.intermediate = maker.Save("intermediate", intermediate);
  all.server = maker.IssueAndSave("server", {.addresses = loopback}, &ca);
  all.name_only = maker.IssueAndSave("name_only", {}, &ca);
  all.address_only = maker.IssueAndSave("address_only", {.names = {}, .addresses = loopback}, &ca);
  const Issued other_name =
      maker.Issue("Other", {.names = {"other.example.net"}, .addresses = {"192.0.2.1"}}, &ca);
  all.other_name = maker.Save("other_name", other_name);
  all.with_stranger =
      maker.Save("with_stranger", maker.Issue(kTestServerName, {}, &ca), &other_name);
  all.wildcard = maker.IssueAndSave("wildcard", {.names = {"*.example.net"}}, &ca);
  all.common_name_only = maker.IssueAndSave("common_name_only", {.names = {}}, &ca);
  all.expired = maker.IssueAndSave(
      "expired", {.addresses = loopback, .valid_from = -30 * kDay, .valid_until = -kDay}, &ca);
  all.not_yet_valid = maker.IssueAndSave("not_yet_valid", {.valid_from = kDay}, &ca);
  all.wrong_purpose =
      maker.IssueAndSave("wrong_purpose", {.purpose = GNUTLS_KP_TLS_WWW_CLIENT}, &ca);
  all.client = maker.Save(
      "client",
      maker.Issue("A client", {.names = {}, .purpose = GNUTLS_KP_TLS_WWW_CLIENT}, &intermediate),
      &intermediate);
  all.expires_soon = maker.IssueAndSave("expires_soon", {.valid_until = kHour}, &ca);
  all.self_signed = maker.IssueAndSave("self_signed", {.addresses = loopback}, nullptr);
  all.expired_self_signed = maker.IssueAndSave(
      "expired_self_signed", {.valid_from = -30 * kDay, .valid_until = -kDay}, nullptr);
  all.untrusted = maker.IssueAndSave("untrusted", {.addresses = loopback}, &other_ca);
  all.by_intermediate =
      maker.Save("by_intermediate", maker.Issue(kTestServerName, {}, &intermediate), &intermediate);
  all.rsa_1024 = maker.IssueAndSave("rsa_1024", {.addresses = loopback, .rsa_bits = 1024}, &ca);
  all.rsa_1024_self_signed =
      maker.IssueAndSave("rsa_1024_self_signed", {.rsa_bits = 1024}, nullptr);
  all.rsa_2048 = maker.IssueAndSave("rsa_2048", {.rsa_bits = 2048}, &ca);
  all.signed_with_sha1 = maker.IssueAndSave("signed_with_sha1", {.hash = GNUTLS_DIG_SHA1}, &ca);
  all.mismatched = {all.server.certificate_file, all.name_only.key_file, all.server.spki_pin};
  all.garbage_file = maker.SaveText("garbage.pem", "This is not a certificate.\n");
  all.missing_file = directory + "/missing.pem";
  return all;
}

// Removes the directory when the process ends.
struct Directory {
  Directory() {
    path = (std::filesystem::temp_directory_path() / "dotcache-certificates-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) Check(GNUTLS_E_FILE_ERROR, "mkdtemp");
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

}  // namespace

const TestCertificates& GetTestCertificates() {
  static const Directory directory;
  static const TestCertificates all = MakeAll(directory.path);
  return all;
}

}  // namespace dotcache
