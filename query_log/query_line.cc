// SPDX-License-Identifier: Apache-2.0
#include "query_log/query_line.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "dns/question.h"

namespace dotcache {

std::string TimeText(Duration since_epoch) {
  const auto seconds = std::chrono::floor<Seconds>(since_epoch);
  const auto ms = std::chrono::floor<Milliseconds>(since_epoch - seconds);
  const auto days = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date{std::chrono::sys_days(days)};
  const std::chrono::hh_mm_ss clock(seconds - days);
  std::string out = absl::StrCat(absl::Dec(int{date.year()}, absl::kZeroPad4), "-",
                                 absl::Dec(unsigned{date.month()}, absl::kZeroPad2), "-",
                                 absl::Dec(unsigned{date.day()}, absl::kZeroPad2), "T",
                                 absl::Dec(clock.hours().count(), absl::kZeroPad2));
  absl::StrAppend(&out, ":", absl::Dec(clock.minutes().count(), absl::kZeroPad2), ":",
                  absl::Dec(clock.seconds().count(), absl::kZeroPad2), ".",
                  absl::Dec(ms.count(), absl::kZeroPad3), "Z");
  return out;
}

void AppendQueryLine(const QueryNote& note, Duration at, const Pseudonyms& pseudonyms,
                     std::string& out) {
  const bool known = note.qtype != QType::kNone;
  out += TimeText(at);
  if (note.is_upstream()) {
    absl::StrAppend(&out, " server=", note.peer.ToString());
  } else {
    absl::StrAppend(&out, " client=", pseudonyms.ClientText(note.peer));
  }
  absl::StrAppend(&out, " transport=", TransportName(note.transport),
                  " name=", known ? pseudonyms.NameText(note.name) : "-",
                  " type=", known ? QTypeName(note.qtype) : "-");
  if (note.is_reply()) {
    absl::StrAppend(&out, " rcode=", NameOrNumber(kRcodeNames, note.rcode, "RCODE"));
    if (!note.is_upstream()) {
      absl::StrAppend(&out, " source=", NameOf(kReplySourceNames, note.source, "-"));
    }
    absl::StrAppend(&out, " us=", note.elapsed_us());
  }
  out += '\n';
}

}  // namespace dotcache
