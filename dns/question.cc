// SPDX-License-Identifier: Apache-2.0
#include "dns/question.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "dns/ldns_ptr.h"

namespace dotcache {
namespace {

std::string QClassName(QClass qclass) {
  switch (qclass) {
    case QClass::kIn:
      return "IN";
    case QClass::kChaos:
      return "CH";
    case QClass::kHesiod:
      return "HS";
    case QClass::kNone:
      return "NONE";
    case QClass::kAny:
      return "ANY";
  }
  return absl::StrCat("CLASS", static_cast<uint16_t>(qclass));
}

}  // namespace

bool Question::MatchesMessage(Bytes message) const {
  if (message.size() < kHeaderSize + wire_size()) return false;
  const uint8_t* theirs = message.data() + kHeaderSize;
  for (uint8_t ours : qname.wire()) {
    if (static_cast<uint8_t>(absl::ascii_tolower(*theirs++)) != ours) return false;
  }
  return LoadU16(theirs) == static_cast<uint16_t>(qtype) &&
         LoadU16(theirs + 2) == static_cast<uint16_t>(qclass);
}

std::string Question::ToString() const {
  return absl::StrCat(qname.ToString(), " ", QTypeName(qtype), " ", QClassName(qclass));
}

std::string QTypeName(QType qtype) {
  switch (qtype) {  // Types for which ldns has no mnemonic.
    case QType::kIxfr:
      return "IXFR";
    case QType::kAxfr:
      return "AXFR";
    case QType::kMailb:
      return "MAILB";
    case QType::kMaila:
      return "MAILA";
    case QType::kAny:
      return "ANY";
    default:
      break;
  }
  const auto number = static_cast<uint16_t>(qtype);
  const ldns_rr_descriptor* descriptor = ldns_rr_descript(number);
  const bool named = descriptor != nullptr && descriptor->_name != nullptr;
  return named ? descriptor->_name : absl::StrCat("TYPE", number);
}

}  // namespace dotcache
