// SPDX-License-Identifier: Apache-2.0
#include "local/hosts_file.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

// Limit for the text quoted in an error, because a line may have any length.
constexpr size_t kMaxQuoted = 80;

absl::Status Wrong(absl::string_view word, absl::string_view what) {
  std::string quoted;
  for (const char c : word.substr(0, kMaxQuoted)) {
    const bool printable = absl::ascii_isprint(static_cast<unsigned char>(c));
    quoted += printable ? c : '?';
  }
  return absl::InvalidArgumentError(absl::StrCat("\"", quoted, "\" ", what));
}

absl::StatusOr<DomainName> ParseName(absl::string_view word) {
  // Real files contain underscores and similar characters. They contain neither escapes nor
  // characters that a terminal cannot show.
  const bool plain = std::all_of(word.begin(), word.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != '\\' && c != '"';
  });
  absl::StatusOr<DomainName> name = DomainName::FromText(word);
  if (!plain || !name.ok() || name->LabelCount() == 0) return Wrong(word, "is not a host name");
  if (word[0] == '*' && (word.size() == 1 || word[1] == '.')) {
    return Wrong(word, "is a wildcard; write each name in full");
  }
  return name;
}

}  // namespace

absl::StatusOr<HostsLine> ParseHostsLine(absl::string_view line) {
  HostsLine parsed;
  line = line.substr(0, line.find('#'));
  const std::vector<absl::string_view> words =
      absl::StrSplit(line, absl::ByAnyChar(" \t\r\v\f"), absl::SkipEmpty());
  if (words.empty()) return parsed;
  const size_t percent = words[0].find('%');
  const auto address = Endpoint::ParseAddress(words[0].substr(0, percent), 0);
  if (!address.ok()) return Wrong(words[0], "is not an IP address");
  if (words.size() == 1) return Wrong(words[0], "has no name after it");
  for (size_t i = 1; i < words.size(); ++i) {
    ASSIGN_OR_RETURN(const DomainName name, ParseName(words[i]));
    parsed.names.push_back(name);
  }
  if (percent == absl::string_view::npos) {
    parsed.address = *address;
  } else {
    parsed.names.clear();
  }
  return parsed;
}

DomainName ReverseName(const Endpoint& address) {
  std::string text;
  const Bytes octets = address.octets();
  for (auto octet = octets.rbegin(); octet != octets.rend(); ++octet) {
    if (address.is_v6()) {
      absl::StrAppend(&text, absl::Hex(*octet & 15), ".", absl::Hex(*octet >> 4), ".");
    } else {
      absl::StrAppend(&text, *octet, ".");
    }
  }
  return *DomainName::FromText(absl::StrCat(text, address.is_v6() ? "ip6.arpa" : "in-addr.arpa"));
}

}  // namespace dotcache
