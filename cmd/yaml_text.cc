// SPDX-License-Identifier: Apache-2.0
#include "cmd/yaml_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace dotcache {
namespace {

bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

bool MayBePlain(absl::string_view text) {
  const bool is_word =
      !text.empty() && IsAlnum(text.front()) && std::all_of(text.begin(), text.end(), [](char c) {
        return IsAlnum(c) || c == '-' || c == '.' || c == '_';
      });
  return is_word && !absl::EqualsIgnoreCase(text, "null");
}

}  // namespace

std::string YamlQuoted(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      absl::StrAppend(&out, "\\x", absl::Hex(c, absl::kZeroPad2));
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string YamlScalar(absl::string_view text) {
  return MayBePlain(text) ? std::string(text) : YamlQuoted(text);
}

std::string YamlList(absl::string_view key, const std::vector<std::string>& texts) {
  if (texts.empty()) return absl::StrCat(key, ": []\n");
  std::string out = absl::StrCat(key, ":\n");
  for (const std::string& text : texts) absl::StrAppend(&out, "  - ", YamlScalar(text), "\n");
  return out;
}

}  // namespace dotcache
