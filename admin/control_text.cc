// SPDX-License-Identifier: Apache-2.0
#include "admin/control_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace dotcache {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kWidest = 140;  // Of a table, in columns.

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

void AppendMembers(const Json& map, const std::string& indent, std::string& out);

// Each map as `key: value` lines under its number, without members that are null.
std::string Blocks(const Json& rows) {
  std::string out;
  for (size_t i = 0; i < rows.size(); ++i) {
    Json shown = Json::object();
    for (const auto& [key, value] : rows[i].items()) {
      if (!value.is_null()) shown[key] = value;
    }
    absl::StrAppend(&out, i == 0 ? "" : "\n", i + 1, ".\n");
    AppendMembers(shown, "  ", out);
  }
  return out;
}

// A table of maps that all have the keys of the first one. A list in a row follows the row. A table
// that is wider than a terminal becomes blocks.
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
  if (std::accumulate(widths.begin(), widths.end(), 2 * widths.size()) > kWidest) {
    return Blocks(rows);
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

void AppendMembers(const Json& map, const std::string& indent, std::string& out) {
  size_t width = 0;
  for (const auto& [key, value] : map.items()) {
    if (!value.is_array()) width = std::max(width, key.size() + 1);
  }
  for (const auto& [key, value] : map.items()) {
    if (!value.is_array()) {
      std::string line = indent;
      AppendPadded(Title(key) + ":", width, /*right=*/false, line);
      absl::StrAppend(&out, line, Cell(value), "\n");
    } else if (value.empty()) {
      absl::StrAppend(&out, indent, Title(key), ": none\n");
    } else if (value.front().is_object()) {
      absl::StrAppend(&out, out.empty() ? "" : "\n", Table(value));
    } else {
      absl::StrAppend(&out, indent, Title(key), ":\n");
      for (const Json& element : value) absl::StrAppend(&out, indent, "  ", Cell(element), "\n");
    }
  }
}

// "3.2 s", from a member in milliseconds.
std::string InSeconds(const Json& ms) { return absl::StrFormat("%.1f s", ms.get<double>() / 1000); }

// The lines about one server: its place and its health.
void AppendServer(const Json& server, size_t number, Json& lines) {
  const auto text = [&](const char* key) { return Cell(server.value(key, Json())); };
  lines.push_back(absl::StrCat(number, ". ", text("provider"), " ", text("address"), " (",
                               text("transport"), ", ", text("state"), "): ", text("why")));
  std::string health = absl::StrCat("connections: ", text("connections"),
                                    ", queries in flight: ", text("in_flight"));
  const Json ago = server.value("last_failure_ago_ms", Json());
  if (ago.is_number()) {
    absl::StrAppend(&health, ", last failure ", InSeconds(ago), " ago: ", text("last_failure"));
    if (const Json cause = server.value("last_cause", Json()); cause.is_string()) {
      absl::StrAppend(&health, ": ", Cell(cause));
    }
  }
  const Json probe = server.value("next_probe_in_ms", Json());
  if (probe.is_number()) absl::StrAppend(&health, ", next probe in ", InSeconds(probe));
  lines.push_back("   " + health);
}

}  // namespace

std::string RenderExplanationForPeople(absl::string_view text) {
  Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("servers")) return RenderForPeople(text);
  Json lines = Json::array();
  for (const Json& server : json["servers"]) AppendServer(server, lines.size() / 2 + 1, lines);
  json["servers"] = std::move(lines);
  return RenderForPeople(json.dump());
}

std::string RenderForPeople(absl::string_view text) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::string(text);
  std::string out;
  AppendMembers(json, "", out);
  return out;
}

std::string ErrorOf(absl::string_view text) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("error")) return Cell(json["error"]);
  return std::string(absl::StripTrailingAsciiWhitespace(text));
}

}  // namespace dotcache
