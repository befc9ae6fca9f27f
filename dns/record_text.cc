// SPDX-License-Identifier: Apache-2.0
#include "dns/record_text.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/status_macros.h"
#include "dns/ldns_ptr.h"
#include "dns/rdata.h"

namespace dotcache {
namespace {

constexpr size_t kMaxText = 8192;        // ldns reads lines of up to 10 KiB.
constexpr int64_t kMaxTtl = 0x7fffffff;  // RFC 2181 section 8.
constexpr absl::string_view kExample = "printer.corp.example. 300 IN A 10.0.0.7";

// An allowed type. Its RDATA begins with `numbers` integers of at most `max`. ldns would silently
// truncate a larger integer.
struct TypeForm {
  absl::string_view mnemonic;
  ldns_rr_type type;
  size_t numbers;
  int64_t max;
};
constexpr TypeForm kTypes[] = {
    {"A", LDNS_RR_TYPE_A, 0, 0},           {"AAAA", LDNS_RR_TYPE_AAAA, 0, 0},
    {"CNAME", LDNS_RR_TYPE_CNAME, 0, 0},   {"PTR", LDNS_RR_TYPE_PTR, 0, 0},
    {"MX", LDNS_RR_TYPE_MX, 1, 65535},     {"TXT", LDNS_RR_TYPE_TXT, 0, 0},
    {"SRV", LDNS_RR_TYPE_SRV, 3, 65535},   {"NAPTR", LDNS_RR_TYPE_NAPTR, 2, 65535},
    {"SSHFP", LDNS_RR_TYPE_SSHFP, 2, 255}, {"TLSA", LDNS_RR_TYPE_TLSA, 3, 255},
    {"SVCB", LDNS_RR_TYPE_SVCB, 1, 65535}, {"HTTPS", LDNS_RR_TYPE_HTTPS, 1, 65535},
    {"URI", LDNS_RR_TYPE_URI, 2, 65535},   {"CAA", LDNS_RR_TYPE_CAA, 1, 255},
};

absl::Status Wrong(absl::string_view text, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" ", what));
}

bool IsWholeNumber(absl::string_view word, int64_t max) {
  int64_t value = 0;
  return std::all_of(word.begin(), word.end(), [](char c) { return absl::ascii_isdigit(c); }) &&
         absl::SimpleAtoi(word, &value) && value <= max;
}

// Control characters are invisible on a terminal, and some programs treat them as a line end.
absl::Status CheckCharacters(absl::string_view text) {
  if (text.size() > kMaxText) return absl::InvalidArgumentError("is longer than 8192 characters");
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (absl::ascii_iscntrl(c) && c != '\t') return Wrong(text, "contains a control character");
    if (c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '(' || c == ')' || c == ';')) {
      return Wrong(text, "contains a parenthesis or a comment; write one record on one line");
    }
  }
  return quoted ? Wrong(text, "has a string without a closing quote") : absl::OkStatus();
}

// Parses seconds ("300") or units ("1h30m").
absl::StatusOr<uint32_t> ParseTtl(absl::string_view word) {
  int64_t total = 0;
  int64_t number = 0;
  bool has_digit = false;
  for (const char c : word) {
    if (absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      has_digit = true;
      number = number * 10 + (c - '0');
      if (number > kMaxTtl) break;
      continue;
    }
    static constexpr absl::string_view kUnits = "smhdw";
    static constexpr int64_t kSeconds[] = {1, 60, 3600, 86400, 604800};
    const size_t unit = kUnits.find(absl::ascii_tolower(static_cast<unsigned char>(c)));
    if (unit == absl::string_view::npos || !has_digit) {
      return Wrong(word, "is not a TTL such as 300 or 1h");
    }
    total += number * kSeconds[unit];
    number = 0;
    has_digit = false;
    if (total > kMaxTtl) break;
  }
  if (total + number > kMaxTtl) return Wrong(word, "is more than the maximum TTL, 2147483647");
  return static_cast<uint32_t>(total + number);
}

// The fields before the RDATA.
struct Parts {
  uint32_t ttl;
  const TypeForm* form;
};

absl::StatusOr<Parts> SplitUp(absl::string_view text, uint32_t default_ttl) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(text, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  Parts parts{default_ttl, nullptr};
  size_t at = 1;
  if (at < words.size() && absl::ascii_isdigit(static_cast<unsigned char>(words[at][0]))) {
    ASSIGN_OR_RETURN(parts.ttl, ParseTtl(words[at]));
    ++at;
  }
  if (at < words.size() && absl::EqualsIgnoreCase(words[at], "IN")) ++at;
  if (at >= words.size()) return Wrong(text, absl::StrCat("is not a record such as ", kExample));
  const auto* form = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const TypeForm& t) {
    return absl::EqualsIgnoreCase(t.mnemonic, words[at]);
  });
  if (form == std::end(kTypes)) {
    std::string known;
    for (const TypeForm& t : kTypes) absl::StrAppend(&known, known.empty() ? "" : ", ", t.mnemonic);
    return Wrong(words[at], absl::StrCat("is not a supported type of local records (", known,
                                         "); write NAME [TTL] [IN] TYPE DATA"));
  }
  parts.form = form;
  for (size_t i = 1; i <= form->numbers && at + i < words.size(); ++i) {
    if (IsWholeNumber(words[at + i], form->max)) continue;
    return Wrong(words[at + i], absl::StrCat("is not a number from 0 to ", form->max));
  }
  return parts;
}

// The port is the only integer among the parameters of SVCB that ldns would silently truncate.
absl::Status CheckPort(absl::string_view text) {
  for (absl::string_view word : absl::StrSplit(text, absl::ByAnyChar(" \t"), absl::SkipEmpty())) {
    if (!absl::ConsumePrefix(&word, "port=")) continue;
    absl::ConsumePrefix(&word, "\"");
    absl::ConsumeSuffix(&word, "\"");
    if (!IsWholeNumber(word, 65535)) return Wrong(word, "is not a port");
  }
  return absl::OkStatus();
}

absl::StatusOr<WireMessage> RdataOf(const ldns_rr* rr) {
  ldns_buffer* buffer = ldns_buffer_new(LDNS_MIN_BUFLEN);
  const std::unique_ptr<ldns_buffer, decltype(&ldns_buffer_free)> owner(buffer, ldns_buffer_free);
  if (buffer == nullptr || ldns_rr_rdata2buffer_wire(buffer, rr) != LDNS_STATUS_OK) {
    return absl::InvalidArgumentError("has data that cannot be written as octets");
  }
  return WireMessage(ldns_buffer_begin(buffer),
                     ldns_buffer_begin(buffer) + ldns_buffer_position(buffer));
}

}  // namespace

absl::StatusOr<ResourceRecord> ParseRecordText(absl::string_view text, uint32_t default_ttl) {
  text = absl::StripAsciiWhitespace(text);
  RETURN_IF_ERROR(CheckCharacters(text));
  ASSIGN_OR_RETURN(const Parts parts, SplitUp(text, default_ttl));
  ldns_rr* parsed = nullptr;
  const ldns_status status =
      ldns_rr_new_frm_str(&parsed, std::string(text).c_str(), default_ttl, nullptr, nullptr);
  const LdnsRr rr(parsed);
  if (status != LDNS_STATUS_OK) {
    absl::string_view why = ldns_get_errorstr_by_id(status);
    absl::ConsumePrefix(&why, "Syntax error, ");
    return Wrong(text, absl::StrCat("is not a record such as ", kExample, ": ", why));
  }
  if (ldns_rr_get_class(rr.get()) != LDNS_RR_CLASS_IN ||
      ldns_rr_get_type(rr.get()) != parts.form->type) {
    return Wrong(text, absl::StrCat("is not a record such as ", kExample));
  }
  if (parts.form->type == LDNS_RR_TYPE_SVCB || parts.form->type == LDNS_RR_TYPE_HTTPS) {
    RETURN_IF_ERROR(CheckPort(text));
  }
  ResourceRecord record;
  const ldns_rdf* owner = ldns_rr_owner(rr.get());
  record.owner = DomainName::FromValidatedWire(Bytes(ldns_rdf_data(owner), ldns_rdf_size(owner)));
  if (record.owner.LabelCount() == 0) return Wrong(text, "has the root as owner; name a host");
  if (record.owner.wire()[0] == 1 && record.owner.wire()[1] == '*') {
    return Wrong(text, "is a wildcard; write each name in full");
  }
  record.type = static_cast<QType>(parts.form->type);
  record.ttl = parts.ttl;
  ASSIGN_OR_RETURN(record.rdata, RdataOf(rr.get()));
  // A record that InspectResponse() would reject in a response is not served either.
  WireCursor cursor(record.rdata, 0, record.rdata.size());
  ReadRdata(record.type, cursor, nullptr);
  if (!cursor.AtEnd()) {
    return Wrong(text, "has data that its type does not allow");
  }
  return record;
}

}  // namespace dotcache
