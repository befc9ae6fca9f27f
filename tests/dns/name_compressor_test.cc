// SPDX-License-Identifier: Apache-2.0
#include "dns/name_compressor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "dns/wire_cursor.h"

namespace dotcache {
namespace {

DomainName Name(absl::string_view text) { return *DomainName::FromText(text); }

class NameCompressorTest : public ::testing::Test {
 protected:
  // Appends the name, and returns how many octets it takes.
  size_t Append(absl::string_view text) {
    const size_t before = message_.size();
    compressor_.Append(Name(text));
    WireCursor cursor(message_, before, message_.size());
    EXPECT_EQ(cursor.ReadName(), Name(text)) << text;
    EXPECT_TRUE(cursor.AtEnd()) << text;
    return message_.size() - before;
  }

  WireMessage message_ = WireMessage(kHeaderSize, 0);
  NameCompressor compressor_{message_};
};

TEST_F(NameCompressorTest, ANameThatIsThereBecomesAPointer) {
  EXPECT_EQ(Append("www.example.com"), 17u);
  EXPECT_EQ(Append("www.example.com"), 2u);
  EXPECT_EQ(Append("WWW.Example.COM"), 17u);  // A pointer would change the spelling.
}

TEST_F(NameCompressorTest, TheEndOfANameBecomesAPointer) {
  Append("www.example.com");
  EXPECT_EQ(Append("example.com"), 2u);
  EXPECT_EQ(Append("mail.example.com"), 5u + 2u);
  EXPECT_EQ(Append("a.mail.example.com"), 2u + 2u);
  EXPECT_EQ(Append("example.net"), 13u);
}

TEST_F(NameCompressorTest, TheRootIsOneOctet) {
  EXPECT_EQ(Append("."), 1u);
  EXPECT_EQ(Append("."), 1u);
}

TEST_F(NameCompressorTest, ANotedNameIsPointedTo) {
  const DomainName name = Name("example.com");
  message_.insert(message_.end(), name.wire().begin(), name.wire().end());
  compressor_.Note(name, kHeaderSize);
  EXPECT_EQ(Append("example.com"), 2u);
}

TEST_F(NameCompressorTest, AnyEndOfANotedNameIsPointedTo) {
  const std::string zone = "8.b.d.0.1.0.0.2.ip6.arpa";
  const DomainName name = Name("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0." + zone);
  message_.insert(message_.end(), name.wire().begin(), name.wire().end());
  compressor_.Note(name, kHeaderSize);
  EXPECT_EQ(Append(zone), 2u);
}

TEST_F(NameCompressorTest, PointersLeadIntoTheFirst16KibOnly) {
  message_.resize(0x3fff);
  EXPECT_EQ(Append("a.example.com"), 15u);
  EXPECT_EQ(Append("a.example.com"), 2u);
  EXPECT_EQ(Append("example.com"), 13u);  // It began at 0x4001.
}

// The pointers that a reader of the name at `offset` follows.
int PointersFrom(const WireMessage& message, size_t offset) {
  int pointers = 0;
  while (message[offset] != 0) {
    if (message[offset] >= 0xc0) {
      offset = LoadU16(&message[offset]) & size_t{0x3fff};
      ++pointers;
    } else {
      offset += message[offset] + size_t{1};
    }
  }
  return pointers;
}

TEST_F(NameCompressorTest, ANameNeedsABoundedNumberOfPointers) {
  std::string name = "example.com";
  int most = 0;
  for (int i = 0; i < 60; ++i) {
    const size_t offset = message_.size();
    Append(name);
    most = std::max(most, PointersFrom(message_, offset));
    name = absl::StrCat("x.", name);
  }
  EXPECT_EQ(most, NameCompressor::kMaxHops);
}

}  // namespace
}  // namespace dotcache
