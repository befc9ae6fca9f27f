// SPDX-License-Identifier: Apache-2.0
// Suggestions for mistyped words.
#ifndef DOTCACHE_CMD_DID_YOU_MEAN_H_
#define DOTCACHE_CMD_DID_YOU_MEAN_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace dotcache {

// The word of `known` with the least edit distance to `word`, or "" if that distance is more than
// half of the word's length.
std::string NearestWord(absl::string_view word, absl::Span<const absl::string_view> known);

// "; did you mean `listen`?", with the nearest word of `known`. Without one: "; known are a, b, c".
std::string DidYouMean(absl::string_view word, absl::Span<const absl::string_view> known);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_DID_YOU_MEAN_H_
