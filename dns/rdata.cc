// SPDX-License-Identifier: Apache-2.0
#include "dns/rdata.h"

#include <array>
#include <cstdint>

namespace dotcache {
namespace {

// Indexed by the type's number in the IANA registry. Only the types of RFC 1035 may compress names
// in their RDATA, but a receiver decompresses the names of every type (RFC 3597 section 4).
constexpr auto kForms = [] {
  std::array<absl::string_view, 258> forms;
  forms.fill("r");
  forms[1] = "4";                               // A
  for (int type : {2, 3, 4, 5, 7, 8, 9, 12}) {  // NS, MD, MF, CNAME, MB, MG, MR, PTR
    forms[type] = "n";
  }
  forms[6] = "nn488";                                     // SOA
  forms[11] = "5r";                                       // WKS
  forms[13] = "ss";                                       // HINFO
  forms[14] = "nn";                                       // MINFO
  forms[15] = "2n";                                       // MX
  forms[17] = "uu";                                       // RP
  for (int type : {18, 21, 36, 107}) forms[type] = "2u";  // AFSDB, RT, KX, LP
  for (int type : {16, 20, 99}) forms[type] = "S";        // TXT, ISDN, SPF
  for (int type : {19, 23}) forms[type] = "s";            // X25, NSAP-PTR
  forms[24] = "99uR";                                     // SIG
  forms[25] = "4r";                                       // KEY
  forms[26] = "2uu";                                      // PX
  forms[27] = "sss";                                      // GPOS
  for (int type : {28, 29}) forms[type] = "88";           // AAAA, LOC
  forms[30] = "ur";                                       // NXT
  forms[33] = "6u";                                       // SRV
  forms[35] = "4sssu";                                    // NAPTR
  forms[39] = "u";                                        // DNAME
  forms[37] = "5R";                                       // CERT
  for (int type : {43, 48, 59, 60}) forms[type] = "4R";   // DS, DNSKEY, CDS, CDNSKEY
  forms[44] = "2R";                                       // SSHFP
  forms[46] = "99uR";                                     // RRSIG
  forms[47] = "ub";                                       // NSEC
  forms[50] = "4ssb";                                     // NSEC3
  forms[51] = "4s";                                       // NSEC3PARAM
  for (int type : {52, 53}) forms[type] = "3R";           // TLSA, SMIMEA
  forms[55] = "hU";                                       // HIP
  forms[58] = "uu";                                       // TALINK
  forms[62] = "6b";                                       // CSYNC
  forms[63] = "6R";                                       // ZONEMD
  for (int type : {64, 65}) forms[type] = "2up";          // SVCB, HTTPS
  for (int type : {104, 106}) forms[type] = "28";         // NID, L64
  forms[105] = "24";                                      // L32
  forms[108] = "6";                                       // EUI48
  forms[109] = "8";                                       // EUI64
  forms[256] = "4R";                                      // URI
  forms[257] = "1sr";                                     // CAA
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

void ReadName(bool compressible, WireCursor& cursor, std::vector<RdataName>* names,
              RdataRead& read) {
  const size_t begin = cursor.position();
  const size_t full_size = cursor.SkipName();
  if (!compressible && full_size != cursor.position() - begin) read.must_expand = true;
  if (names == nullptr || !cursor.ok()) return;
  names->push_back(
      {static_cast<uint16_t>(begin), static_cast<uint16_t>(cursor.position()), compressible});
}

}  // namespace

absl::string_view RdataForm(QType type) {
  const size_t number = static_cast<size_t>(type);
  return number < kForms.size() ? kForms[number] : "r";
}

RdataRead ReadRdata(QType type, WireCursor& cursor, std::vector<RdataName>* names) {
  RdataRead read;
  for (const char field : RdataForm(type)) {
    switch (field) {
      case 'n':
      case 'u':
        ReadName(field == 'n', cursor, names, read);
        break;
      case 's':
        cursor.SkipString();
        break;
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
      case 'b':
        ReadTypeBitmaps(cursor);
        break;
      case 'p':
        ReadSvcParams(cursor);
        break;
      case 'h':
        ReadHipHeader(cursor);
        break;
      case 'R':
        if (cursor.remaining() == 0) cursor.Fail();
        [[fallthrough]];
      case 'r':
        cursor.Skip(cursor.remaining());
        break;
      default:  // A digit.
        cursor.Skip(static_cast<size_t>(field - '0'));
    }
  }
  return read;
}

}  // namespace dotcache
