// SPDX-License-Identifier: Apache-2.0
#include "cmd/query_log_settings.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cmd/value_parsers.h"
#include "core/names.h"

namespace dotcache {
namespace {

using Kind = QueryLogTarget::Kind;

// The longer prefix first.
constexpr Named<Kind> kPrefixes[] = {
    {Kind::kDnstapUnix, "dnstap:unix:"}, {Kind::kDnstapFile, "dnstap:"}, {Kind::kFile, "file:"}};

}  // namespace

absl::StatusOr<QueryLogTarget> ParseQueryLog(absl::string_view text) {
  const absl::StatusOr<bool> on = ParseSwitch(text);
  if (on.ok() && !*on) return QueryLogTarget{};
  if (text == "stdout") return QueryLogTarget{Kind::kStdout, ""};
  for (const Named<Kind>& prefix : kPrefixes) {
    absl::string_view path = text;
    if (!absl::ConsumePrefix(&path, prefix.name)) continue;
    if (path.empty()) break;
    return QueryLogTarget{prefix.value, std::string(path)};
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", text, "\" is not off, stdout, file:PATH, dnstap:PATH or dnstap:unix:PATH"));
}

std::string FormatQueryLog(const QueryLogTarget& target) {
  if (target.kind == Kind::kOff) return "off";
  if (target.kind == Kind::kStdout) return "stdout";
  return absl::StrCat(NameOf(kPrefixes, target.kind, ""), target.path);
}

void CheckQueryLogDisclosure(LoadedConfig& loaded) {
  const QueryLogOptions& options = loaded.config.server.query_log;
  if (!options.target.is_dnstap()) return;
  for (const auto& [key, disclosure] : {std::pair("query-log-names", options.names),
                                        std::pair("query-log-clients", options.clients)}) {
    if (disclosure == Disclosure::kPlain) continue;
    loaded.errors.push_back({loaded.origins.Of(key), key,
                             "dnstap holds whole messages, with names and with options that tell "
                             "clients apart; write plain, or a `query-log` of text"});
  }
}

}  // namespace dotcache
