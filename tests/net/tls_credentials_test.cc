#include "net/tls_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_certificates.h"

namespace dotcache {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

absl::Status LoadServer(const std::string& certificate_file, const std::string& key_file) {
  return TlsServerCredentials::FromFiles(certificate_file, key_file).status();
}

TEST(SpkiPinTest, ReadsBase64WithAndWithoutPrefix) {
  const std::string& text = GetTestCertificates().server.spki_pin;
  const auto with_prefix = SpkiPin::Parse(text);
  const auto without_prefix = SpkiPin::Parse(text.substr(7));
  ASSERT_TRUE(with_prefix.ok()) << with_prefix.status();
  ASSERT_TRUE(without_prefix.ok()) << without_prefix.status();
  EXPECT_EQ(*with_prefix, *without_prefix);
  EXPECT_EQ(with_prefix->ToString(), text);
}

TEST(SpkiPinTest, RefusesOtherLengthsAndOtherHashes) {
  for (const char* text : {"", "sha256/", "sha256/AAAA", "sha1/AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "!",
                           "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="}) {
    const auto pin = SpkiPin::Parse(text);
    EXPECT_EQ(pin.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(TlsClientCredentialsTest, LoadsACaFile) {
  EXPECT_TRUE(TlsClientCredentials::FromFile(GetTestCertificates().ca.certificate_file).ok());
}

TEST(TlsClientCredentialsTest, AnErrorNamesTheCaFile) {
  const TestCertificates& all = GetTestCertificates();
  for (const std::string& file : {all.missing_file, all.garbage_file, all.ca.key_file}) {
    const absl::Status status = TlsClientCredentials::FromFile(file).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(file));
  }
}

TEST(TlsClientCredentialsTest, TheSystemsStoreIsLoadedOrKnownToBeMissing) {
  const absl::Status status = TlsClientCredentials::FromSystem().status();
  if (status.ok()) return;
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("ca-certificates"));
}

TEST(TlsServerCredentialsTest, LoadsACertificateWithItsChainAndKey) {
  const TestCertificate& files = GetTestCertificates().by_intermediate;
  EXPECT_TRUE(LoadServer(files.certificate_file, files.key_file).ok());
}

TEST(TlsServerCredentialsTest, AKeyOfAnotherCertificateIsRefusedAndBothFilesAreNamed) {
  const TestCertificate& files = GetTestCertificates().mismatched;
  const absl::Status status = LoadServer(files.certificate_file, files.key_file);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(files.certificate_file), HasSubstr(files.key_file),
                    HasSubstr("does not belong")));
}

TEST(TlsServerCredentialsTest, AnUnreadableCertificateFileIsNamed) {
  const TestCertificates& all = GetTestCertificates();
  for (const std::string& file : {all.missing_file, all.garbage_file}) {
    EXPECT_THAT(std::string(LoadServer(file, all.server.key_file).message()), HasSubstr(file));
  }
}

TEST(TlsServerCredentialsTest, AnUnreadableKeyFileIsNamed) {
  const TestCertificates& all = GetTestCertificates();
  for (const std::string& file : {all.missing_file, all.garbage_file}) {
    EXPECT_THAT(std::string(LoadServer(all.server.certificate_file, file).message()),
                HasSubstr(file));
  }
}

}  // namespace
}  // namespace dotcache
