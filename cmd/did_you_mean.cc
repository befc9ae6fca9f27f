// SPDX-License-Identifier: Apache-2.0
#include "cmd/did_you_mean.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace dotcache {
namespace {

// The Levenshtein distance, computed one row at a time.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string NearestWord(absl::string_view word, absl::Span<const absl::string_view> known) {
  // No key is longer, so the rest of a long word cannot matter.
  const absl::string_view start = word.substr(0, 64);
  const auto nearest = std::min_element(known.begin(), known.end(),
                                        [start](absl::string_view a, absl::string_view b) {
                                          return EditDistance(start, a) < EditDistance(start, b);
                                        });
  if (nearest == known.end() || EditDistance(start, *nearest) * 2 > start.size()) return "";
  return std::string(*nearest);
}

std::string DidYouMean(absl::string_view word, absl::Span<const absl::string_view> known) {
  const std::string nearest = NearestWord(word, known);
  if (!nearest.empty()) return absl::StrCat("; did you mean `", nearest, "`?");
  return absl::StrCat("; known are ", absl::StrJoin(known, ", "));
}

}  // namespace dotcache
