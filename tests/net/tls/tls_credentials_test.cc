// SPDX-License-Identifier: Apache-2.0
#include "net/tls/tls_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_certificates.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::Status LoadServer(const std::string& certificate_file, const std::string& key_file) {
  return TlsServerCredentials::FromFiles(certificate_file, key_file).status();
}

TEST(TlsClientCredentialsTest, LoadsACaFile) {
  EXPECT_TRUE(TlsClientCredentials::FromFile(GetTestCertificates().ca.certificate_file).ok());
}

TEST(TlsClientCredentialsTest, ErrorNamesTheCaFile) {
  const TestCertificates& all = GetTestCertificates();
  for (const std::string& file : {all.missing_file, all.garbage_file, all.ca.key_file}) {
    const absl::Status status = TlsClientCredentials::FromFile(file).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(file));
  }
}

TEST(TlsClientCredentialsTest, SystemTrustStoreIsLoadedOrReportedMissing) {
  const absl::Status status = TlsClientCredentials::FromSystem().status();
  if (status.ok()) return;
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("ca-certificates"));
}

TEST(TlsClientCredentialsTest, LoadsClientCertificateAndPins) {
  const TestCertificates& all = GetTestCertificates();
  const TestDirectory directory;
  const std::string pins_file = directory.Write("pins", all.server.spki_pin);
  const auto loaded = TlsClientCredentials::Load({.ca = all.ca.certificate_file,
                                                  .certificate = all.client.certificate_file,
                                                  .key = all.client.key_file,
                                                  .pins = pins_file});
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE((*loaded)->has_certificate());
  EXPECT_THAT((*loaded)->pins(), ElementsAre(*SpkiPin::Parse(all.server.spki_pin)));
  const auto plain = *TlsClientCredentials::FromFile(all.ca.certificate_file);
  EXPECT_FALSE(plain->has_certificate());
  EXPECT_TRUE(plain->pins().empty());
}

TEST(TlsClientCredentialsTest, EachBadFileIsNamed) {
  const TestCertificates& all = GetTestCertificates();
  const TlsClientFiles good = {.ca = all.ca.certificate_file,
                               .certificate = all.client.certificate_file,
                               .key = all.client.key_file,
                               .pins = ""};
  for (std::string TlsClientFiles::*file : {&TlsClientFiles::ca, &TlsClientFiles::certificate,
                                            &TlsClientFiles::key, &TlsClientFiles::pins}) {
    for (const std::string& broken : {all.missing_file, all.garbage_file}) {
      TlsClientFiles files = good;
      files.*file = broken;
      const absl::Status status = TlsClientCredentials::Load(files).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(std::string(status.message()), HasSubstr(broken));
    }
  }
  TlsClientFiles files = good;
  files.key = all.server.key_file;
  EXPECT_THAT(
      std::string(TlsClientCredentials::Load(files).status().message()),
      AllOf(HasSubstr(files.certificate), HasSubstr(files.key), HasSubstr("does not belong")));
}

TEST(CheckCertificateTest, CheckGivesTheErrorsOfLoading) {
  const TestCertificates& all = GetTestCertificates();
  EXPECT_TRUE(CheckCertificate(all.client.certificate_file, all.client.key_file).ok());
  EXPECT_THAT(
      std::string(
          CheckCertificate(all.mismatched.certificate_file, all.mismatched.key_file).message()),
      HasSubstr("does not belong"));
}

TEST(TlsServerCredentialsTest, LoadsACertificateWithItsChainAndKey) {
  const TestCertificate& files = GetTestCertificates().by_intermediate;
  EXPECT_TRUE(LoadServer(files.certificate_file, files.key_file).ok());
}

TEST(TlsServerCredentialsTest, RejectsAKeyOfAnotherCertificateAndNamesBothFiles) {
  const TestCertificate& files = GetTestCertificates().mismatched;
  const absl::Status status = LoadServer(files.certificate_file, files.key_file);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(files.certificate_file), HasSubstr(files.key_file),
                    HasSubstr("does not belong")));
}

TEST(TlsServerCredentialsTest, UnreadableCertificateFileIsNamed) {
  const TestCertificates& all = GetTestCertificates();
  for (const std::string& file : {all.missing_file, all.garbage_file}) {
    EXPECT_THAT(std::string(LoadServer(file, all.server.key_file).message()), HasSubstr(file));
  }
}

TEST(TlsServerCredentialsTest, UnreadableKeyFileIsNamed) {
  const TestCertificates& all = GetTestCertificates();
  for (const std::string& file : {all.missing_file, all.garbage_file}) {
    EXPECT_THAT(std::string(LoadServer(all.server.certificate_file, file).message()),
                HasSubstr(file));
  }
}

TEST(RsaKeyBitsTest, IsZeroForOtherKeys) {
  const TestCertificates& all = GetTestCertificates();
  EXPECT_EQ(*RsaKeyBits(all.rsa_2048.key_file), 2048);
  EXPECT_EQ(*RsaKeyBits(all.ca.key_file), 0);
  EXPECT_FALSE(RsaKeyBits(all.garbage_file).ok());
}

}  // namespace
}  // namespace dotcache
