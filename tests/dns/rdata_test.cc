// SPDX-License-Identifier: Apache-2.0
#include "dns/rdata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ldns/ldns.h>

#include <string>

#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

using ::testing::ElementsAre;

constexpr uint16_t kHip = 55;
constexpr uint16_t kUnknownType = 65280;

// Reads `rdata` in a message that holds example.com at offset 12. Fails the test when the RDATA
// does not have its type's form.
RdataRead ReadBehindAName(QType type, const WireMessage& rdata) {
  const WireMessage message =
      Concat({WireMessage(kHeaderSize, 0), WireName("example.com").octets, rdata});
  WireCursor cursor(message, message.size() - rdata.size(), message.size());
  const RdataRead read = ReadRdata(type, cursor, nullptr);
  EXPECT_TRUE(cursor.AtEnd()) << static_cast<int>(type);
  return read;
}

bool IsWellFormed(QType type, const WireMessage& rdata) {
  // After a header, so that a pointer to a name at offset 12 is possible.
  WireMessage message(kHeaderSize, 0);
  for (uint8_t octet : WireName("example.com").octets) message.push_back(octet);
  const size_t begin = message.size();
  message.insert(message.end(), rdata.begin(), rdata.end());
  WireCursor cursor(message, begin, message.size());
  ReadRdata(type, cursor, nullptr);
  return cursor.AtEnd();
}

WireMessage Octets(size_t count) { return WireMessage(count, 1); }

WireMessage After(const WireMessage& fixed, const WireMessage& rest) {
  return Concat({fixed, rest});
}

TEST(RdataTest, AddressesHaveAnExactSize) {
  for (size_t size = 0; size < 20; ++size) {
    EXPECT_EQ(IsWellFormed(QType::kA, Octets(size)), size == 4) << size;
    EXPECT_EQ(IsWellFormed(QType::kAaaa, Octets(size)), size == 16) << size;
  }
}

TEST(RdataTest, NameEndsExactlyAtTheEndOfRdata) {
  const WireMessage name = WireName("target.example").octets;
  for (const QType type : {QType::kCname, QType::kNs, QType::kPtr, QType::kDname}) {
    EXPECT_TRUE(IsWellFormed(type, name));
    EXPECT_TRUE(IsWellFormed(type, WireName::Pointer(12).octets));
    EXPECT_FALSE(IsWellFormed(type, After(name, {0})));
    EXPECT_FALSE(IsWellFormed(type, WireMessage(name.begin(), name.end() - 1)));
    EXPECT_FALSE(IsWellFormed(type, {}));
  }
}

TEST(RdataTest, MxAndSrvHaveNumbersAndAName) {
  EXPECT_TRUE(IsWellFormed(QType::kMx, MxRdata(10, "mx.example")));
  EXPECT_FALSE(IsWellFormed(QType::kMx, {0, 10}));
  EXPECT_FALSE(IsWellFormed(QType::kMx, {0, 10, 2}));
  EXPECT_TRUE(IsWellFormed(QType::kSrv, After(Octets(6), WireName("srv.example").octets)));
  EXPECT_FALSE(IsWellFormed(QType::kSrv, Octets(6)));
}

TEST(RdataTest, SoaHasTwoNamesAndFiveNumbers) {
  const WireMessage soa = SoaRdata(60);
  EXPECT_TRUE(IsWellFormed(QType::kSoa, soa));
  EXPECT_FALSE(IsWellFormed(QType::kSoa, WireMessage(soa.begin(), soa.end() - 1)));
  EXPECT_FALSE(IsWellFormed(QType::kSoa, After(soa, {0})));
}

TEST(RdataTest, TxtHasOneOrMoreStrings) {
  EXPECT_TRUE(IsWellFormed(QType::kTxt, TxtRdata({"one", "two"})));
  EXPECT_TRUE(IsWellFormed(QType::kTxt, {0}));
  EXPECT_FALSE(IsWellFormed(QType::kTxt, {}));
  EXPECT_FALSE(IsWellFormed(QType::kTxt, {5, 'a'}));
}

TEST(RdataTest, CountsTheStringsOfATxt) {
  const WireMessage rdata = TxtRdata({"one", "", "three"});
  WireCursor cursor{Bytes(rdata)};
  EXPECT_EQ(ReadRdata(QType::kTxt, cursor, nullptr).repeated_fields, 3u);
}

TEST(RdataTest, DnssecTypesHaveFixedFieldsAndFurtherOctets) {
  for (const QType type : {QType::kDs, QType::kDnskey}) {
    EXPECT_FALSE(IsWellFormed(type, Octets(4)));
    EXPECT_TRUE(IsWellFormed(type, Octets(5)));
  }
  const WireMessage signer = WireName("example").octets;
  EXPECT_TRUE(IsWellFormed(QType::kRrsig, Concat({Octets(18), signer, Octets(8)})));
  EXPECT_FALSE(IsWellFormed(QType::kRrsig, After(Octets(18), signer)));
  EXPECT_FALSE(IsWellFormed(QType::kRrsig, Octets(18)));
}

TEST(RdataTest, TypeBitmapsHaveIncreasingWindowsOf1To32Octets) {
  const WireMessage next = WireName("b.example").octets;
  EXPECT_TRUE(IsWellFormed(QType::kNsec, After(next, {0, 1, 0x40, 1, 1, 0x40})));
  EXPECT_FALSE(IsWellFormed(QType::kNsec, After(next, {1, 1, 0x40, 0, 1, 0x40})));
  EXPECT_FALSE(IsWellFormed(QType::kNsec, After(next, {0, 0})));
  EXPECT_FALSE(IsWellFormed(QType::kNsec, Concat({next, WireMessage{0, 33}, Octets(33)})));
  EXPECT_FALSE(IsWellFormed(QType::kNsec, After(next, {0, 2, 0x40})));
  EXPECT_TRUE(IsWellFormed(QType::kNsec3, {1, 0, 0, 0, 0, 1, 0xaa}));
  EXPECT_FALSE(IsWellFormed(QType::kNsec3, {1, 0, 0, 0, 9, 1, 0xaa}));
}

TEST(RdataTest, SvcParamKeysIncreaseAndTheirValuesFit) {
  const WireMessage front = {0, 1, 0};  // Priority 1, target ".".
  for (const QType type : {QType::kSvcb, QType::kHttps}) {
    EXPECT_TRUE(IsWellFormed(type, front));
    EXPECT_TRUE(IsWellFormed(type, After(front, {0, 1, 0, 3, 2, 'h', '2', 0, 3, 0, 2, 1, 187})));
    EXPECT_FALSE(IsWellFormed(type, After(front, {0, 3, 0, 0, 0, 1, 0, 0})));
    EXPECT_FALSE(IsWellFormed(type, After(front, {0, 1, 0, 0, 0, 1, 0, 0})));
    EXPECT_FALSE(IsWellFormed(type, After(front, {0, 1, 0, 9, 2})));
    EXPECT_FALSE(IsWellFormed(type, After(front, {0, 1, 0})));
  }
}

// RFC 3597 section 4: a receiver undoes compression wherever it meets it; only the types of RFC
// 1035 may be sent compressed.
TEST(RdataTest, ACompressedNameOutsideRfc1035IsReadAndHasToBeWrittenInFull) {
  const WireMessage pointer = WireName::Pointer(12).octets;
  struct {
    int type;
    WireMessage before = {};
    WireMessage after = {};
  } const kCases[] = {
      {17, {}, {0}},                // RP
      {18, {0, 1}},                 // AFSDB
      {21, {0, 1}},                 // RT
      {24, Octets(18), {1}},        // SIG
      {26, {0, 1}, {0}},            // PX
      {30, {}, {1}},                // NXT
      {33, Octets(6)},              // SRV
      {35, {0, 1, 0, 1, 0, 0, 0}},  // NAPTR
      {36, {0, 1}},                 // KX
      {39},                         // DNAME
      {46, Octets(18), {1}},        // RRSIG
      {47, {}, {0, 1, 0x40}},       // NSEC
      {55, {1, 2, 0, 1, 9, 9}},     // HIP
      {58, {}, {0}},                // TALINK
      {64, {0, 1}},                 // SVCB
      {65, {0, 1}},                 // HTTPS
      {107, {0, 1}},                // LP
  };
  for (const auto& c : kCases) {
    const auto type = static_cast<QType>(c.type);
    const auto read = [type](const WireMessage& rdata) { return ReadBehindAName(type, rdata); };
    EXPECT_TRUE(read(Concat({c.before, pointer, c.after})).must_expand) << c.type;
    EXPECT_FALSE(read(Concat({c.before, WireName("a.example").octets, c.after})).must_expand)
        << c.type;
  }
  for (const int type : {2, 3, 4, 5, 7, 8, 9, 12}) {
    EXPECT_FALSE(ReadBehindAName(static_cast<QType>(type), pointer).must_expand) << type;
  }
  EXPECT_FALSE(ReadBehindAName(QType::kMx, Concat({Octets(2), pointer})).must_expand);
  EXPECT_FALSE(ReadBehindAName(QType{14}, Concat({pointer, pointer})).must_expand);  // MINFO
}

TEST(RdataTest, HipHasAKeyFollowedByNames) {
  const WireMessage header = {1, 2, 0, 2, 0xaa, 0xbb, 0xcc};
  EXPECT_TRUE(IsWellFormed(QType{kHip}, header));
  EXPECT_TRUE(IsWellFormed(QType{kHip}, After(header, WireName("rvs.example").octets)));
  EXPECT_FALSE(IsWellFormed(QType{kHip}, After(header, {3, 'a'})));
  EXPECT_FALSE(IsWellFormed(QType{kHip}, {1, 2, 0, 9, 0xaa}));
}

TEST(RdataTest, UnknownTypesAreOpaque) {
  EXPECT_TRUE(IsWellFormed(QType{kUnknownType}, {}));
  EXPECT_TRUE(IsWellFormed(QType{kUnknownType}, {0xc0, 0xff}));
}

TEST(RdataTest, ReturnsTheNamesInRdata) {
  const WireMessage rdata = Concat({WireMessage{0, 10}, WireName("mx.example").octets});
  WireCursor cursor{Bytes(rdata)};
  std::vector<RdataName> names;
  ReadRdata(QType::kMx, cursor, &names);
  ASSERT_EQ(names.size(), 1u);
  EXPECT_EQ(names[0].ReadFrom(rdata).ToString(), "mx.example.");
  EXPECT_EQ(names[0].begin, 2u);
  EXPECT_EQ(names[0].end, rdata.size());
  EXPECT_TRUE(names[0].compressible);
}

// ldns follows pointers in these types almost without limit, so none of them may be opaque here.
TEST(RdataTest, EveryTypeWithANameInLdnsHasANameInItsFormat) {
  for (int number = 1; number < 65536; ++number) {
    const auto type = static_cast<QType>(number);
    if (type == QType::kTkey || type == QType::kTsig) continue;  // Never read as RDATA.
    const ldns_rr_descriptor* descriptor = ldns_rr_descript(static_cast<uint16_t>(number));
    const size_t fields = std::min<size_t>(ldns_rr_descriptor_maximum(descriptor), 12);
    for (size_t field = 0; field < fields; ++field) {
      if (ldns_rr_descriptor_field_type(descriptor, field) != LDNS_RDF_TYPE_DNAME) continue;
      EXPECT_NE(RdataForm(type).find_first_of("nuU"), absl::string_view::npos) << number;
    }
  }
}

}  // namespace
}  // namespace dotcache
