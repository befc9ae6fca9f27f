// SPDX-License-Identifier: Apache-2.0
#include "dns/question.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/names.h"
#include "dns/ldns_ptr.h"

namespace dotcache {
namespace {

constexpr Named<QClass> kClassNames[] = {{QClass::kIn, "IN"},
                                         {QClass::kChaos, "CH"},
                                         {QClass::kHesiod, "HS"},
                                         {QClass::kNone, "NONE"},
                                         {QClass::kAny, "ANY"}};

// Types for which ldns has no mnemonic.
constexpr Named<QType> kTypeNames[] = {{QType::kIxfr, "IXFR"},
                                       {QType::kAxfr, "AXFR"},
                                       {QType::kMailb, "MAILB"},
                                       {QType::kMaila, "MAILA"},
                                       {QType::kAny, "ANY"}};

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
  return absl::StrCat(qname.ToString(), " ", QTypeName(qtype), " ",
                      NameOrNumber(kClassNames, qclass, "CLASS"));
}

std::string QTypeName(QType qtype) {
  const absl::string_view name = NameOf(kTypeNames, qtype, "");
  if (!name.empty()) return std::string(name);
  const auto number = static_cast<uint16_t>(qtype);
  const ldns_rr_descriptor* descriptor = ldns_rr_descript(number);
  const bool named = descriptor != nullptr && descriptor->_name != nullptr;
  return named ? descriptor->_name : absl::StrCat("TYPE", number);
}

}  // namespace dotcache
