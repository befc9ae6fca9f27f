// SPDX-License-Identifier: Apache-2.0
#include "cmd/words.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace dotcache {
namespace {

constexpr bool kOnOff[] = {true, false};
constexpr bool kForwardMinimal[] = {false, true};
constexpr CookieMode kCookieModes[] = {CookieMode::kOn, CookieMode::kOff, CookieMode::kRequired};
constexpr SystemCallMode kSystemCallModes[] = {SystemCallMode::kDeny, SystemCallMode::kOff,
                                               SystemCallMode::kAbort};
constexpr AccessAction kAccessActions[] = {AccessAction::kAllow, AccessAction::kRefuse,
                                           AccessAction::kDrop};
constexpr OverRate kOverRates[] = {OverRate::kTruncate, OverRate::kRefuse, OverRate::kDrop};
constexpr LogLevel kLogLevels[] = {LogLevel::kError, LogLevel::kWarn, LogLevel::kInfo,
                                   LogLevel::kDebug};
constexpr LogForm kLogForms[] = {LogForm::kText, LogForm::kJson};
constexpr Disclosure kDisclosures[] = {Disclosure::kPlain, Disclosure::kHashed,
                                       Disclosure::kTruncated};
constexpr SelectionPolicy kPolicies[] = {
    SelectionPolicy::kBalanced,   SelectionPolicy::kFastest,    SelectionPolicy::kRoundRobin,
    SelectionPolicy::kRandom,     SelectionPolicy::kSequential, SelectionPolicy::kWeighted,
    SelectionPolicy::kStickyHash,
};

absl::string_view SwitchName(bool on) { return on ? "on" : "off"; }

absl::string_view AnyName(bool minimal) { return minimal ? "minimal" : "forward"; }

absl::string_view CookieModeName(CookieMode mode) {
  return mode == CookieMode::kRequired ? "required" : SwitchName(mode == CookieMode::kOn);
}

absl::string_view SystemCallName(SystemCallMode mode) {
  return mode == SystemCallMode::kAbort ? "abort" : SwitchName(mode == SystemCallMode::kDeny);
}

absl::string_view LogFormName(LogForm form) { return form == LogForm::kJson ? "json" : "text"; }

absl::string_view DisclosureName(Disclosure disclosure) {
  if (disclosure == Disclosure::kPlain) return "plain";
  return disclosure == Disclosure::kHashed ? "hashed" : "truncated";
}

}  // namespace

const Words<bool> kSwitchWords{kOnOff, SwitchName};
const Words<bool> kMinimalAnyWords{kForwardMinimal, AnyName};
const Words<CookieMode> kCookieWords{kCookieModes, CookieModeName};
const Words<AccessAction> kAccessActionWords{kAccessActions, AccessActionName};
const Words<OverRate> kOverRateWords{kOverRates, OverRateName};
const Words<LogLevel> kLogLevelWords{kLogLevels, LogLevelName};
const Words<LogForm> kLogFormWords{kLogForms, LogFormName};
const Words<Disclosure> kDisclosureWords{kDisclosures, DisclosureName};
const Words<SystemCallMode> kSystemCallWords{kSystemCallModes, SystemCallName};
const Words<SelectionPolicy> kPolicyWords{kPolicies, SelectionPolicyName};

std::string WordList(absl::Span<const absl::string_view> names) {
  return absl::StrCat(absl::StrJoin(names.first(names.size() - 1), ", "), " or ", names.back());
}

absl::StatusOr<size_t> FindWord(absl::string_view text, absl::Span<const absl::string_view> names) {
  std::string word = absl::AsciiStrToLower(text);
  if (word == "true" || word == "yes") word = "on";
  if (word == "false" || word == "no") word = "off";
  const auto found = std::find(names.begin(), names.end(), word);
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  if (text.empty()) return absl::InvalidArgumentError("is empty; write " + WordList(names));
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not ", names.size() > 2 ? "one of " : "", WordList(names)));
}

}  // namespace dotcache
