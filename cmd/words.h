// SPDX-License-Identifier: Apache-2.0
// Settings that are one of a few words.
#ifndef DOTCACHE_CMD_WORDS_H_
#define DOTCACHE_CMD_WORDS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "cmd/system_calls.h"
#include "core/log.h"
#include "query_log/query_log_options.h"
#include "server/server_options.h"

namespace dotcache {

// The values of an enum (or bool) that a setting takes, and the word for each.
template <typename E>
struct Words {
  absl::Span<const E> values;
  absl::string_view (*name)(E value);
};

template <typename E>
std::vector<absl::string_view> NamesOf(const Words<E>& words) {
  std::vector<absl::string_view> names;
  for (const E value : words.values) names.push_back(words.name(value));
  return names;
}

// "a, b or c".
std::string WordList(absl::Span<const absl::string_view> names);

// The index of `text` among `names`, ASCII case ignored. "true" and "yes" mean "on". "false" and
// "no" mean "off". YAML tools replace these words by each other. The error lists the names.
absl::StatusOr<size_t> FindWord(absl::string_view text, absl::Span<const absl::string_view> names);

template <typename E>
absl::StatusOr<E> ParseWord(absl::string_view text, const Words<E>& words) {
  const absl::StatusOr<size_t> index = FindWord(text, NamesOf(words));
  if (!index.ok()) return index.status();
  return words.values[*index];
}

// The words of the program's settings.
extern const Words<bool> kSwitchWords;      // on, off
extern const Words<bool> kMinimalAnyWords;  // minimal, forward
extern const Words<CookieMode> kCookieWords;
extern const Words<AccessAction> kAccessActionWords;  // allow, refuse, drop
extern const Words<OverRate> kOverRateWords;          // truncate, refuse, drop
extern const Words<LogLevel> kLogLevelWords;
extern const Words<LogForm> kLogFormWords;        // text, json
extern const Words<Disclosure> kDisclosureWords;  // plain, hashed, truncated
extern const Words<SelectionPolicy> kPolicyWords;
extern const Words<SystemCallMode> kSystemCallWords;  // on, off, abort

}  // namespace dotcache

#endif  // DOTCACHE_CMD_WORDS_H_
