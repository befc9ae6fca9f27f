// SPDX-License-Identifier: Apache-2.0
// For each RR type of the IANA registry with a defined format: one RDATA that its RFC allows, and
// one that it does not allow. All go through the whole check of a response, which includes ldns.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "dns/rdata.h"
#include "dns/response_walk.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

// Words: hexadecimal octets; "@" for the name a.example in full; "'text" for a <character-string>.
WireMessage Rdata(absl::string_view words) {
  WireMessage rdata;
  for (const absl::string_view word : absl::StrSplit(words, ' ', absl::SkipEmpty())) {
    std::string octets;
    if (word == "@") {
      const WireMessage name = WireName("a.example").octets;
      octets.assign(name.begin(), name.end());
    } else if (word[0] == '\'') {
      octets = absl::StrCat(std::string(1, static_cast<char>(word.size() - 1)), word.substr(1));
    } else {
      octets = absl::HexStringToBytes(word);
    }
    rdata.insert(rdata.end(), octets.begin(), octets.end());
  }
  return rdata;
}

bool IsAccepted(int type, absl::string_view words) {
  const WireMessage response =
      MakeResponse("www.example", static_cast<QType>(type),
                   {{"www.example", static_cast<QType>(type), 300, Rdata(words)}});
  return WalkResponse(response, kHeaderSize + WireName("www.example").octets.size() + 4)
      .has_value();
}

struct TypeVectors {
  int type;
  const char* name;
  const char* valid;
  const char* invalid;  // Null: the RFC allows any octets.
};

void PrintTo(const TypeVectors& vectors, std::ostream* out) { *out << vectors.name; }

class RdataTypesTest : public testing::TestWithParam<TypeVectors> {};

TEST_P(RdataTypesTest, AcceptsWhatItsRfcAllowsOnly) {
  const TypeVectors& vectors = GetParam();
  EXPECT_TRUE(IsAccepted(vectors.type, vectors.valid)) << vectors.valid;
  if (vectors.invalid == nullptr) {
    EXPECT_TRUE(IsAccepted(vectors.type, ""));
    EXPECT_TRUE(IsAccepted(vectors.type, "c0ff 3f"));
  } else {
    EXPECT_FALSE(IsAccepted(vectors.type, vectors.invalid)) << vectors.invalid;
  }
}

constexpr const char* kSignature = "0001 0d 02 00000e10 66000000 65000000 3039 @ 0102030405060708";
constexpr const char* kSignatureWithoutOctets = "0001 0d 02 00000e10 66000000 65000000 3039 @";

constexpr TypeVectors kTypes[] = {
    // RFC 1035 section 3.3, 3.4.
    {1, "A", "c0000201", "c00002"},
    {2, "NS", "@", "@ 00"},
    {3, "MD", "@", ""},
    {4, "MF", "@", "03"},
    {5, "CNAME", "@", "@ 00"},
    {6, "SOA", "@ @ 00000001 00001c20 00000e10 00127500 0000003c",
     "@ @ 00000001 00001c20 00000e10 00127500"},
    {7, "MB", "@", "@ 00"},
    {8, "MG", "@", ""},
    {9, "MR", "@", "0161"},
    {10, "NULL", "00ff", nullptr},
    {11, "WKS", "c0000201 06 00000040", "c0000201"},
    {12, "PTR", "@", "@ 00"},
    {13, "HINFO", "'cpu 'os", "'cpu"},
    {14, "MINFO", "@ @", "@"},
    {15, "MX", "000a @", "000a"},
    {16, "TXT", "'one 'two", ""},
    // RFC 1183.
    {17, "RP", "@ @", "@"},
    {18, "AFSDB", "0001 @", "0001"},
    {19, "X25", "'311061700956", "'311061700956 00"},
    {20, "ISDN", "'150862028003217 '004", "'150862028003217 '004 '5"},
    {20, "ISDNWithoutSubaddress", "'150862028003217", ""},
    {21, "RT", "0002 @", "0002"},
    // RFC 1706, RFC 1348.
    {22, "NSAP", "47000580005a0000000001e133ffffff00016100", ""},
    {23, "NSAPPTR", "@", "@ 00"},
    // RFC 2535, RFC 2163, RFC 1712, RFC 3596, RFC 1876.
    {24, "SIG", kSignature, kSignatureWithoutOctets},
    {25, "KEY", "c000 03 05", "c000 03"},
    {26, "PX", "000a @ @", "000a @"},
    {27, "GPOS", "'-32.6882 '116.8652 '10.0", "'-32.6882 '116.8652"},
    {28, "AAAA", "20010db8000000000000000000000001", "20010db800000000000000000000000100"},
    {29, "LOC", "00 12 16 13 8b0d2c8c 7f8cd5b8 00989680", "00 12 16 13 8b0d2c8c 7f8cd5b8 009896"},
    {29, "LOCOfAnotherVersion", "01 abcdef", ""},
    {30, "NXT", "@ 40000008", "40000008"},
    // Opaque locators (draft-ietf-nimrod-dns).
    {31, "EID", "e32c6f78163a9348", nullptr},
    {32, "NIMLOC", "32251a030067", nullptr},
    {33, "SRV", "0000 0005 1f90 @", "0000 0005 1f90"},  // RFC 2782.
    {34, "ATMA", "01 3631323030303030303030", ""},      // ATM Name System, af-dans-0152.
    // RFC 3403.
    {35, "NAPTR", "0064 0032 's 'http+I2L 00 @", "0064 0032 's 'http+I2L 00"},
    {36, "KX", "000a @", "000a"},                         // RFC 2230.
    {37, "CERT", "0001 3039 05 308201", "0001 3039 05"},  // RFC 4398.
    // RFC 2874.
    {38, "A6", "40 0000000000000001 @", "40 0000000000000001"},
    {38, "A6WithoutPrefix", "00 20010db8000000000000000000000001",
     "00 20010db8000000000000000000000001 @"},
    {38, "A6WithLongPrefix", "80 @", "81 @"},
    {39, "DNAME", "@", "@ 00"},              // RFC 6672.
    {40, "SINK", "40 01 02 0102", "40 01"},  // draft-eastlake-kitchen-sink.
    // RFC 3123.
    {42, "APL", "0001 15 03 c0a820 0001 1c 83 c0a826", "0001 15 05 c0a82001"},
    {42, "APLOfIpv6", "0002 08 01 ff", "0002 81 00"},
    {42, "APLOfIpv4", "", "0001 21 00"},
    // RFC 4034, RFC 4255, RFC 4025.
    {43, "DS", "ec45 05 01 2bb183af5f22588179a53b0a98631fad1a292118", "ec45 05 01"},
    {44, "SSHFP", "02 01 123456789abcdef67890123456789abcdef67890", "02 01"},
    {45, "IPSECKEY", "0a 01 02 c0000226 0103510342", "0a 01 02 c00002"},
    {45, "IPSECKEYWithoutGateway", "0a 00 02 0103510342", "0a 00"},
    {45, "IPSECKEYWithIpv6", "0a 02 02 20010db8000000000000000000000001 0103",
     "0a 02 02 20010db80000"},
    {45, "IPSECKEYWithName", "0a 03 02 @ 0103510342", "0a 03 02 0361"},
    {46, "RRSIG", kSignature, kSignatureWithoutOctets},
    {47, "NSEC", "@ 0006 400100000003", "@ 0006 40"},
    {48, "DNSKEY", "0100 03 05 0103d22a", "0100 03 05"},
    {49, "DHCID", "0000 02 636fc0b8271c82825bb1ac5c41cf5351", "0000"},  // RFC 4701.
    // RFC 5155.
    {50, "NSEC3",
     "01 01 000c 04aabbccdd 14 8d6e4f1c2b3a49586776859403b2c1d0e1f20314 0006 400000000002",
     "01 01 000c 04aabbccdd 14 8d6e"},
    {51, "NSEC3PARAM", "01 00 000c 04aabbccdd", "01 00 000c 04aabbcc"},
    // RFC 6698, RFC 8162, RFC 8005.
    {52, "TLSA", "03 01 01 d2abde240d7cd3ee", "03 01 01"},
    {53, "SMIMEA", "03 00 00 d2abde24", "03 00"},
    {55, "HIP", "04 02 0003 200100107b 030100 @", "04 02 0009 200100107b"},
    // Text (draft-reid-dnsext-zs); RFC 4034 as for DNSKEY (draft-reid-dnsext-rkey).
    {56, "NINFO", "'zone 'status", ""},
    {57, "RKEY", "0000 01 05 0103", "0000 01 05"},
    {58, "TALINK", "@ @", "@"},  // draft-wijngaards-dnsop-trust-history.
    // RFC 7344, RFC 8078, RFC 7929, RFC 7477, RFC 8976, RFC 9460, RFC 9859.
    {59, "CDS", "0000 00 00 00", "0000 00 00"},
    {60, "CDNSKEY", "0000 03 00 00", "0000 03 00"},
    {61, "OPENPGPKEY", "99010d", ""},
    {62, "CSYNC", "00000042 0003 0001 60", "00000042 0003 0001"},
    {62, "CSYNCWithoutTypes", "00000042 0003", "00000042 00"},
    {63, "ZONEMD", "78545f6d 01 f0 e2d523f654b9422a96c5a8f4",
     "78545f6d 01 f0 e2d523f654b9422a96c5a8"},
    {64, "SVCB", "0001 @ 0003 0002 01bb", "0001 @ 0003 0002 01"},
    {65, "HTTPS", "0001 00 0001 0003 026832", "0001 00 0003 0000 0001 0000"},
    {66, "DSYNC", "003b 01 14e9 @", "003b 01 14e9"},
    {67, "HHIT", "581b", nullptr},  // RFC 9886: CBOR.
    {68, "BRID", "581b", nullptr},
    {99, "SPF", "'v=spf1", ""},  // RFC 7208.
    // RFC 6742, RFC 7043, RFC 7553, RFC 8659.
    {104, "NID", "000a 0014 4fff ff20 ee64", "000a 0014 4fff ff20"},
    {105, "L32", "000a 0a010200", "000a 0a0102"},
    {106, "L64", "000a 20010db811401000", "000a 20010db81140100000"},
    {107, "LP", "000a @", "000a"},
    {108, "EUI48", "00005e005301", "00005e0053"},
    {109, "EUI64", "00005eef10000000", "00005eef1000000000"},
    {256, "URI", "000a 0001 6674703a2f2f", "000a 0001"},
    {257, "CAA", "00 'issue 63612e6578616d706c65", "00 00 63612e"},
    {257, "CAAWithoutValue", "00 'issue", "00 056973"},
    {258, "AVC", "'app-name:WOLFGANG", ""},  // As TXT.
    {259, "DOA", "00000000 00000001 02 'text/html 61",
     "00000000 00000001 02"},  // draft-durand-doa.
    // RFC 8777, RFC 9606.
    {260, "AMTRELAY", "0a 01 cb00710f", "0a 01 cb0071"},
    {260, "AMTRELAYWithoutRelay", "80 80", "80 00 00"},
    {260, "AMTRELAYWithIpv6", "0a 02 20010db8000000000000000000000015", "0a 82 20010db80000"},
    {260, "AMTRELAYWithName", "80 83 @", "80 03 @ 00"},
    {261, "RESINFO", "'qnamemin 'exterr=15-17", ""},
    {32768, "TA", "ec45 05 01 2bb183af", "ec45 05 01"},   // As DS.
    {32769, "DLV", "ec45 05 01 2bb183af", "ec45 05 01"},  // RFC 4431.
    {65280, "PRIVATE", "00ff", nullptr},                  // RFC 3597.
};

INSTANTIATE_TEST_SUITE_P(Types, RdataTypesTest, testing::ValuesIn(kTypes),
                         [](const auto& one) { return std::string(one.param.name); });

// RFC 4025 section 2.5, RFC 8777 section 4.2.3, RFC 2874 section 3.1.1: these names are not
// compressed. A compressed one is written in full, as for all types outside RFC 1035.
TEST(RdataNamesTest, NamesOfGatewaysRelaysAndPrefixesAreExpanded) {
  const WireMessage pointer = {0xc0, 12};
  for (const auto& [type, front] :
       {std::pair(45, "0a 03 02"), {260, "0a 03"}, {38, "80"}, {23, ""}, {66, "003b 01 14e9"}}) {
    const WireMessage message =
        Concat({WireMessage(kHeaderSize, 0), Rdata("@"), Rdata(front), pointer});
    WireCursor cursor(message, kHeaderSize + Rdata("@").size(), message.size());
    std::vector<RdataName> names;
    EXPECT_TRUE(ReadRdata(static_cast<QType>(type), cursor, &names).must_expand) << type;
    ASSERT_EQ(names.size(), 1u) << type;
    EXPECT_EQ(names[0].ReadFrom(message).ToString(), "a.example.");
    EXPECT_FALSE(names[0].compressible);
  }
}

}  // namespace
}  // namespace dotcache
