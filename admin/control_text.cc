// SPDX-License-Identifier: Apache-2.0
#include "admin/control_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace dotcache {
namespace {

using Json = nlohmann::ordered_json;

std::string Cell(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.dump();
}

std::string Title(const std::string& key) { return absl::StrReplaceAll(key, {{"_", " "}}); }

// Octets are not characters, but almost all texts here are ASCII.
void AppendPadded(const std::string& text, size_t width, bool right, std::string& out) {
  const std::string padding(width - std::min(width, text.size()), ' ');
  absl::StrAppend(&out, right ? padding : "", text, right ? "" : padding, "  ");
}

// A table of maps that all have the keys of the first one. A list in a row follows the row.
std::string Table(const Json& rows) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : rows.front().items()) {
    if (!value.is_array()) keys.push_back(key);
  }
  std::vector<size_t> widths;
  for (const std::string& key : keys) {
    size_t width = key.size();
    for (const Json& row : rows) width = std::max(width, Cell(row.value(key, Json())).size());
    widths.push_back(width);
  }
  std::string out;
  for (size_t i = 0; i < keys.size(); ++i) {
    AppendPadded(absl::AsciiStrToUpper(Title(keys[i])), widths[i],
                 rows.front()[keys[i]].is_number(), out);
  }
  absl::StripTrailingAsciiWhitespace(&out);
  absl::StrAppend(&out, "\n");
  for (const Json& row : rows) {
    std::string line;
    for (size_t i = 0; i < keys.size(); ++i) {
      const Json value = row.value(keys[i], Json());
      AppendPadded(Cell(value), widths[i], rows.front()[keys[i]].is_number(), line);
    }
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&out, line, "\n");
    for (const auto& [key, value] : row.items()) {
      if (!value.is_array()) continue;
      for (const Json& element : value) absl::StrAppend(&out, "    ", Cell(element), "\n");
    }
  }
  return out;
}

}  // namespace

std::string RenderForPeople(absl::string_view text) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::string(text);
  size_t width = 0;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_array()) width = std::max(width, key.size() + 1);
  }
  std::string out;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_array()) {
      std::string line;
      AppendPadded(Title(key) + ":", width, /*right=*/false, line);
      absl::StrAppend(&out, line, Cell(value), "\n");
    } else if (value.empty()) {
      absl::StrAppend(&out, Title(key), ": none\n");
    } else if (value.front().is_object()) {
      absl::StrAppend(&out, out.empty() ? "" : "\n", Table(value));
    } else {
      absl::StrAppend(&out, Title(key), ":\n");
      for (const Json& element : value) absl::StrAppend(&out, "  ", Cell(element), "\n");
    }
  }
  return out;
}

std::string ErrorOf(absl::string_view text) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("error")) return Cell(json["error"]);
  return std::string(absl::StripTrailingAsciiWhitespace(text));
}

}  // namespace dotcache
