// SPDX-License-Identifier: Apache-2.0
// The names of an enumeration's values, as one table: {{Kind::kA, "a"}, {Kind::kB, "b"}}.
#ifndef DOTCACHE_CORE_NAMES_H_
#define DOTCACHE_CORE_NAMES_H_

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace dotcache {

// One row of a table.
template <typename Enum>
struct Named {
  Enum value;
  absl::string_view name;
};

// The name of `value`, or `otherwise` for a value without a row.
template <typename Enum, size_t kRows>
constexpr absl::string_view NameOf(const Named<Enum> (&table)[kRows], Enum value,
                                   absl::string_view otherwise) {
  for (const Named<Enum>& row : table) {
    if (row.value == value) return row.name;
  }
  return otherwise;
}

// The number of the row with `value`. Without one, the number of rows.
template <typename Enum, size_t kRows>
constexpr size_t RowOf(const Named<Enum> (&table)[kRows], Enum value) {
  size_t row = 0;
  while (row < kRows && table[row].value != value) ++row;
  return row;
}

// The name of `value`, or `prefix` and its number: "CLASS" and 42 give CLASS42.
template <typename Enum, size_t kRows>
std::string NameOrNumber(const Named<Enum> (&table)[kRows], Enum value, absl::string_view prefix) {
  const absl::string_view name = NameOf(table, value, "");
  return name.empty() ? absl::StrCat(prefix, static_cast<unsigned>(value)) : std::string(name);
}

// The name of `value`, where the values count from 0 and `names` has the same order.
template <typename Enum, size_t kRows>
constexpr absl::string_view NameInOrder(const absl::string_view (&names)[kRows], Enum value) {
  const size_t row = static_cast<size_t>(value);
  return row < kRows ? names[row] : absl::string_view();
}

}  // namespace dotcache

#endif  // DOTCACHE_CORE_NAMES_H_
