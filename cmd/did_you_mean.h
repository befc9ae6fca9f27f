// SPDX-License-Identifier: Apache-2.0
// The known word nearest to a mistyped one.
#ifndef DOTCACHE_CMD_DID_YOU_MEAN_H_
#define DOTCACHE_CMD_DID_YOU_MEAN_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace dotcache {

// "; did you mean `listen`?" for the word of `known` with the least edit distance to `word`, when
// that is no more than half of the word; else "; known are a, b, c".
std::string DidYouMean(absl::string_view word, absl::Span<const absl::string_view> known);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_DID_YOU_MEAN_H_
