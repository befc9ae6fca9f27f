// SPDX-License-Identifier: Apache-2.0
// Texts in JSON (RFC 8259).
#ifndef DOTCACHE_CORE_JSON_TEXT_H_
#define DOTCACHE_CORE_JSON_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace dotcache {

// Appends `text` in quotes. Quotes, backslashes and control characters are escaped. Octets that are
// not UTF-8 become U+FFFD, so the result is always valid.
void AppendJsonText(absl::string_view text, std::string& out);

}  // namespace dotcache

#endif  // DOTCACHE_CORE_JSON_TEXT_H_
