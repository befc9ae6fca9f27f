// SPDX-License-Identifier: Apache-2.0
#include "query_log/query_line.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "dns/question.h"

namespace dotcache {
namespace {

// RFC 3339, UTC, with milliseconds.
void AppendTime(Duration since_epoch, std::string& out) {
  const auto seconds = std::chrono::floor<Seconds>(since_epoch);
  const auto ms = std::chrono::floor<Milliseconds>(since_epoch - seconds);
  const auto days = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date{std::chrono::sys_days(days)};
  const std::chrono::hh_mm_ss clock(seconds - days);
  absl::StrAppend(&out, absl::Dec(int{date.year()}, absl::kZeroPad4), "-",
                  absl::Dec(unsigned{date.month()}, absl::kZeroPad2), "-",
                  absl::Dec(unsigned{date.day()}, absl::kZeroPad2));
  absl::StrAppend(&out, "T", absl::Dec(clock.hours().count(), absl::kZeroPad2), ":",
                  absl::Dec(clock.minutes().count(), absl::kZeroPad2), ":",
                  absl::Dec(clock.seconds().count(), absl::kZeroPad2));
  absl::StrAppend(&out, ".", absl::Dec(ms.count(), absl::kZeroPad3), "Z");
}

}  // namespace

void AppendQueryLine(const QueryNote& note, Duration replied, const Pseudonyms& pseudonyms,
                     std::string& out) {
  const bool known = note.qtype != QType::kNone;
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(
      std::max(note.replied_at - note.received_at, Duration(0)));
  AppendTime(replied, out);
  absl::StrAppend(&out, " client=", pseudonyms.ClientText(note.client),
                  " transport=", TransportName(note.transport));
  absl::StrAppend(&out, " name=", known ? pseudonyms.NameText(note.name) : "-",
                  " type=", known ? QTypeName(note.qtype) : "-");
  absl::StrAppend(&out, " rcode=", NameOrNumber(kRcodeNames, note.rcode, "RCODE"),
                  " source=", NameOf(kNoteSourceNames, note.source, "-"), " us=", us.count(), "\n");
}

}  // namespace dotcache
