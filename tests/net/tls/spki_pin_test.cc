// SPDX-License-Identifier: Apache-2.0
#include "net/tls/spki_pin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/support/test_certificates.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(SpkiPinTest, ReadsBase64WithAndWithoutPrefix) {
  const std::string& text = GetTestCertificates().server.spki_pin;
  const auto with_prefix = SpkiPin::Parse(text);
  const auto without_prefix = SpkiPin::Parse(text.substr(7));
  ASSERT_TRUE(with_prefix.ok()) << with_prefix.status();
  ASSERT_TRUE(without_prefix.ok()) << without_prefix.status();
  EXPECT_EQ(*with_prefix, *without_prefix);
  EXPECT_EQ(with_prefix->ToString(), text);
}

TEST(SpkiPinTest, RejectsOtherLengthsAndOtherHashes) {
  for (const char* text : {"", "sha256/", "sha256/AAAA", "sha1/AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "!",
                           "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="}) {
    const auto pin = SpkiPin::Parse(text);
    EXPECT_EQ(pin.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

std::string ErrorOf(absl::string_view text) {
  return std::string(ParsePins(text).status().message());
}

TEST(ParsePinsTest, ReadsOnePinPerLineAndIgnoresComments) {
  const std::string one = GetTestCertificates().server.spki_pin;
  const std::string two = GetTestCertificates().ca.spki_pin;
  const auto pins = ParsePins(
      absl::StrCat("# now\n", one, "\r\n\n  ", two.substr(7), "\t# for the next key\n  #", one));
  ASSERT_TRUE(pins.ok()) << pins.status();
  EXPECT_THAT(*pins, ElementsAre(*SpkiPin::Parse(one), *SpkiPin::Parse(two)));
}

TEST(ParsePinsTest, ErrorNamesTheLine) {
  const std::string one = GetTestCertificates().server.spki_pin;
  EXPECT_THAT(ErrorOf(absl::StrCat(one, "\n\nsha256/half")),
              AllOf(HasSubstr("line 3"), HasSubstr("sha256/half")));
  EXPECT_THAT(ErrorOf(absl::StrCat(one, " ", one)), HasSubstr("line 1"));
}

// An operator with a pins file expects pins. An emptied file must not weaken authentication.
TEST(ParsePinsTest, FileWithoutAPinIsAnError) {
  for (const char* text : {"", "\n", "# sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("no pin")) << text;
  }
}

TEST(LoadPinsTest, ErrorNamesTheFile) {
  const TestDirectory directory;
  const std::string file = directory.Write("pins", "sha256/half");
  for (const std::string& broken : {file, GetTestCertificates().missing_file}) {
    EXPECT_THAT(std::string(LoadPins(broken).status().message()), HasSubstr(broken));
  }
  directory.Write("pins", GetTestCertificates().server.spki_pin);
  EXPECT_EQ(LoadPins(file)->size(), 1u);
}

TEST(LoadPinsTest, RejectsAFileThatIsTooLong) {
  const TestDirectory directory;
  const std::string file = directory.Write(
      "pins", GetTestCertificates().server.spki_pin + "\n" + std::string(65536, '#'));
  EXPECT_THAT(std::string(LoadPins(file).status().message()), HasSubstr("65536"));
}

}  // namespace
}  // namespace dotcache
