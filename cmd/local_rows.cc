// SPDX-License-Identifier: Apache-2.0
// The settings of answers that come from this server itself.
#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cmd/list_kinds.h"
#include "cmd/setting_kinds.h"
#include "cmd/setting_rows.h"
#include "cmd/value_parsers.h"
#include "cmd/words.h"

namespace dotcache {
namespace {

using namespace std::chrono_literals;

constexpr auto kDay = 24h;

}  // namespace

std::vector<Setting> LocalNameRows() {
  const auto same = [](const std::string& text) { return text; };
  return {
      SwitchSetting(
          {.key = "local-zones",
           .help = "Answer special-use and private zones here instead of forwarding "
                   "them"},
          [](auto& c) -> auto& { return c.server.local_zones; }),
      ListSetting(
          NewSetting({.key = "local-zones-except",
                      .help = "Special-use zones that are forwarded",
                      .yaml_only = true},
                     "NAME"),
          kUnlimited, [](auto& c) -> auto& { return c.server.local_zones_except; }, ParseLocalZone,
          [](const DomainName& name) { return name.ToString(); }),
      ListSetting(
          NewSetting({.key = "hosts-file",
                      .help = "Hosts file, such as /etc/hosts, whose names are answered "
                              "here"},
                     "FILE", AtMost(LocalDataOptions::kMaxHostsFiles)),
          kUnlimited, [](auto& c) -> auto& { return c.server.local_data.hosts_files; }, ParsePath,
          same),
      ListSetting(
          NewSetting({.key = "records",
                      .help = "Record that is answered here, written as in a zone file",
                      .yaml_only = true},
                     "TEXT"),
          kUnlimited, [](auto& c) -> auto& { return c.server.local_data.records; },
          [](absl::string_view text) { return absl::StatusOr<std::string>(text); }, same),
      SecondsSetting(
          {.key = "local-ttl",
           .help = "TTL of names from hosts files, and of `records` without a TTL",
           .yaml_only = true},
          0s, 7 * kDay, [](auto& c) -> auto& { return c.server.local_data.ttl; }),
  };
}

std::vector<Setting> OwnAnswerRows() {
  return {
      TextSetting(
          {.key = "identity", .help = "Name of this server in NSID, id.server and hostname.bind"},
          [](auto& c) -> auto& { return c.server.own_answers.identity; }),
      TextSetting(
          {.key = "version-text",
           .help = "Answer to version.bind and version.server",
           .yaml_only = true},
          [](auto& c) -> auto& { return c.server.own_answers.version_text; }),
      WordSetting(
          {.key = "any",
           .help = "Queries for type ANY: forward them, or reply with one HINFO record",
           .yaml_only = true},
          kMinimalAnyWords, [](auto& c) -> auto& { return c.server.own_answers.minimal_any; }),
      WordSetting(
          {.key = "cookies",
           .help = "DNS cookies; required: a client over UDP must show a valid cookie",
           .yaml_only = true},
          kCookieWords, [](auto& c) -> auto& { return c.server.cookies; }),
      FileSetting(
          {.key = "cookie-secret-file",
           .help = "Secret of the cookies: 32 hexadecimal digits; a second line is the "
                   "previous secret",
           .yaml_only = true},
          [](auto& c) -> auto& { return c.server.cookie_secret_file; }),
  };
}

}  // namespace dotcache
