// SPDX-License-Identifier: Apache-2.0
#include "dns/rdata.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace dotcache {
namespace {

constexpr QType kTrustAnchor{32768};
constexpr QType kDlv{32769};

// Indexed by the type's number in the IANA registry. Only the types of RFC 1035 may compress names
// in their RDATA, but a receiver decompresses the names of every type (RFC 3597 section 4).
constexpr auto kForms = [] {
  std::array<absl::string_view, 262> forms;
  forms.fill("r");
  forms[1] = "4";                               // A
  for (int type : {2, 3, 4, 5, 7, 8, 9, 12}) {  // NS, MD, MF, CNAME, MB, MG, MR, PTR
    forms[type] = "n";
  }
  forms[6] = "nn488";                        // SOA
  forms[11] = "5r";                          // WKS
  forms[13] = "ss";                          // HINFO
  forms[14] = "nn";                          // MINFO
  forms[15] = "2n";                          // MX
  for (int type : {16, 56, 99, 258, 261}) {  // TXT, NINFO, SPF, AVC, RESINFO
    forms[type] = "S";
  }
  for (int type : {17, 58}) forms[type] = "uu";           // RP, TALINK
  for (int type : {18, 21, 36, 107}) forms[type] = "2u";  // AFSDB, RT, KX, LP
  forms[19] = "s";                                        // X25
  forms[20] = "so";                                       // ISDN
  for (int type : {22, 61}) forms[type] = "R";            // NSAP, OPENPGPKEY
  for (int type : {23, 39}) forms[type] = "u";            // NSAP-PTR, DNAME
  for (int type : {24, 46}) forms[type] = "99uR";         // SIG, RRSIG
  forms[25] = "4r";                                       // KEY
  forms[26] = "2uu";                                      // PX
  forms[27] = "sss";                                      // GPOS
  forms[28] = "88";                                       // AAAA
  forms[29] = "l";                                        // LOC
  forms[30] = "ur";                                       // NXT
  forms[33] = "6u";                                       // SRV
  forms[34] = "1r";                                       // ATMA
  forms[35] = "4sssu";                                    // NAPTR
  forms[37] = "5R";                                       // CERT
  forms[38] = "x";                                        // A6
  forms[40] = "3r";                                       // SINK
  forms[42] = "a";                                        // APL
  for (int type : {43, 48, 57, 59, 60}) {                 // DS, DNSKEY, RKEY, CDS, CDNSKEY
    forms[type] = "4R";
  }
  forms[44] = "2R";                                  // SSHFP
  forms[45] = "1gr";                                 // IPSECKEY
  forms[47] = "ub";                                  // NSEC
  for (int type : {49, 52, 53}) forms[type] = "3R";  // DHCID, TLSA, SMIMEA
  forms[50] = "4ssb";                                // NSEC3
  forms[51] = "4s";                                  // NSEC3PARAM
  forms[55] = "hU";                                  // HIP
  forms[62] = "6b";                                  // CSYNC
  forms[63] = "684r";                                // ZONEMD
  for (int type : {64, 65}) forms[type] = "2up";     // SVCB, HTTPS
  forms[66] = "5u";                                  // DSYNC
  for (int type : {104, 106}) forms[type] = "28";    // NID, L64
  forms[105] = "24";                                 // L32
  forms[108] = "6";                                  // EUI48
  forms[109] = "8";                                  // EUI64
  forms[256] = "4R";                                 // URI
  forms[257] = "1tr";                                // CAA
  forms[259] = "9sr";                                // DOA
  forms[260] = "1m";                                 // AMTRELAY
  return forms;
}();

// Reads windows in increasing order, each with 1 to 32 octets of bits (RFC 4034 section 4.1.2).
void ReadTypeBitmaps(WireCursor& cursor) {
  int last_window = -1;
  while (cursor.ok() && cursor.remaining() > 0) {
    const int window = cursor.ReadU8();
    const size_t size = cursor.ReadU8();
    cursor.Skip(size);
    if (window <= last_window || size < 1 || size > 32) cursor.Fail();
    last_window = window;
  }
}

// Reads keys in strictly increasing order (RFC 9460 section 2.2).
void ReadSvcParams(WireCursor& cursor) {
  int last_key = -1;
  while (cursor.ok() && cursor.remaining() > 0) {
    const int key = cursor.ReadU16();
    cursor.Skip(cursor.ReadU16());
    if (key <= last_key) cursor.Fail();
    last_key = key;
  }
}

void ReadHipHeader(WireCursor& cursor) {
  const size_t hit_size = cursor.ReadU8();
  cursor.Skip(1);  // Algorithm.
  const size_t key_size = cursor.ReadU16();
  cursor.Skip(hit_size + key_size);
}

void ReadApl(WireCursor& cursor) {
  while (cursor.ok() && cursor.remaining() > 0) {
    const int family = cursor.ReadU16();
    const int prefix_bits = cursor.ReadU8();
    const size_t size = cursor.ReadU8() & 0x7f;  // The top bit negates.
    cursor.Skip(size);
    const bool fits_v4 = prefix_bits <= 32 && size <= 4;
    const bool fits_v6 = prefix_bits <= 128 && size <= 16;
    if ((family == 1 && !fits_v4) || (family == 2 && !fits_v6)) cursor.Fail();
  }
}

// Another version may have another format.
void ReadLoc(WireCursor& cursor) {
  const bool version_0 = cursor.ReadU8() == 0;
  cursor.Skip(version_0 ? 15 : cursor.remaining());
}

void ReadName(bool compressible, WireCursor& cursor, std::vector<RdataName>* names,
              RdataRead& read) {
  const size_t begin = cursor.position();
  const size_t full_size = cursor.SkipName();
  if (!compressible && full_size != cursor.position() - begin) read.must_expand = true;
  if (names == nullptr || !cursor.ok()) return;
  names->push_back(
      {static_cast<uint16_t>(begin), static_cast<uint16_t>(cursor.position()), compressible});
}

// Reads the gateway of an IPSECKEY, or the relay of an AMTRELAY. Another type may have another
// format.
void ReadGateway(int type, WireCursor& cursor, std::vector<RdataName>* names, RdataRead& read) {
  switch (type) {
    case 0:
      return;
    case 1:
      return cursor.Skip(4);
    case 2:
      return cursor.Skip(16);
    case 3:
      return ReadName(false, cursor, names, read);
    default:
      return cursor.Skip(cursor.remaining());
  }
}

// The suffix has the octets that the prefix does not cover. Without a prefix there is no name.
void ReadA6(WireCursor& cursor, std::vector<RdataName>* names, RdataRead& read) {
  const size_t prefix_bits = cursor.ReadU8();
  if (prefix_bits > 128) return cursor.Fail();
  cursor.Skip((128 - prefix_bits + 7) / 8);
  if (prefix_bits > 0) ReadName(false, cursor, names, read);
}

// Reads a field of a kind that only one type has.
void ReadField(char kind, WireCursor& cursor, std::vector<RdataName>* names, RdataRead& read) {
  switch (kind) {
    case 'a':
      return ReadApl(cursor);
    case 'b':
      return ReadTypeBitmaps(cursor);
    case 'g': {
      const int type = cursor.ReadU8();
      cursor.Skip(1);  // Algorithm.
      return ReadGateway(type, cursor, names, read);
    }
    case 'h':
      return ReadHipHeader(cursor);
    case 'l':
      return ReadLoc(cursor);
    case 'm':
      return ReadGateway(cursor.ReadU8() & 0x7f, cursor, names, read);  // The top bit is a flag.
    case 'p':
      return ReadSvcParams(cursor);
    case 'x':
      return ReadA6(cursor, names, read);
    default:  // A digit.
      return cursor.Skip(static_cast<size_t>(kind - '0'));
  }
}

}  // namespace

absl::string_view RdataForm(QType type) {
  if (type == kTrustAnchor || type == kDlv) return "4R";
  const size_t number = static_cast<size_t>(type);
  return number < kForms.size() ? kForms[number] : "r";
}

bool LdnsKnowsFormOf(QType type) {
  constexpr QType kOthers[] = {QType{23}, QType{40}};  // NSAP-PTR, SINK.
  return std::find(std::begin(kOthers), std::end(kOthers), type) == std::end(kOthers);
}

RdataRead ReadRdata(QType type, WireCursor& cursor, std::vector<RdataName>* names) {
  RdataRead read;
  for (const char field : RdataForm(type)) {
    switch (field) {
      case 'n':
      case 'u':
        ReadName(field == 'n', cursor, names, read);
        break;
      case 'o':
        if (cursor.remaining() > 0) cursor.SkipString();
        break;
      case 's':
        cursor.SkipString();
        break;
      case 't': {
        const size_t size = cursor.ReadU8();
        if (size == 0) cursor.Fail();
        cursor.Skip(size);
        break;
      }
      case 'S':
        do {
          cursor.SkipString();
          ++read.repeated_fields;
        } while (cursor.ok() && cursor.remaining() > 0);
        break;
      case 'U':
        for (; cursor.ok() && cursor.remaining() > 0; ++read.repeated_fields) {
          ReadName(false, cursor, names, read);
        }
        break;
      case 'R':
        if (cursor.remaining() == 0) cursor.Fail();
        [[fallthrough]];
      case 'r':
        cursor.Skip(cursor.remaining());
        break;
      default:
        ReadField(field, cursor, names, read);
    }
  }
  return read;
}

}  // namespace dotcache
