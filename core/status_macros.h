// SPDX-License-Identifier: Apache-2.0
// Early return on a failed absl::Status or absl::StatusOr.
#ifndef DOTCACHE_CORE_STATUS_MACROS_H_
#define DOTCACHE_CORE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define DOTCACHE_CONCAT_INNER(a, b) a##b
#define DOTCACHE_CONCAT(a, b) DOTCACHE_CONCAT_INNER(a, b)

// Evaluates `expression` (an absl::Status) once. Returns the status from the function if it is not
// OK.
#define RETURN_IF_ERROR(expression)              \
  do {                                           \
    absl::Status status_macro = (expression);    \
    if (!status_macro.ok()) return status_macro; \
  } while (false)

// Evaluates `expression` (an absl::StatusOr<T>) once. Assigns its value to `target`, or returns its
// status from the function.
#define ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_INNER(DOTCACHE_CONCAT(status_or_, __LINE__), target, expression)
#define ASSIGN_OR_RETURN_INNER(temporary, target, expression) \
  auto temporary = (expression);                              \
  if (!temporary.ok()) return temporary.status();             \
  target = *std::move(temporary)

#endif  // DOTCACHE_CORE_STATUS_MACROS_H_
