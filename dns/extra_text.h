// SPDX-License-Identifier: Apache-2.0
// The text of an extended DNS error that an upstream server sent.
#ifndef DOTCACHE_DNS_EXTRA_TEXT_H_
#define DOTCACHE_DNS_EXTRA_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "core/bytes.h"

namespace dotcache {

inline constexpr size_t kMaxExtraText = 128;  // Octets of the text that is relayed.

// The EXTRA-TEXT to relay: UTF-8 without control characters and without zero octets at its end (RFC
// 8914 section 2), at most kMaxExtraText octets. Empty when the text is not of this form.
std::string CleanExtraText(Bytes text);

// The first characters of a UTF-8 text, as many as fit into `size` octets.
absl::string_view FirstCharacters(absl::string_view text, size_t size);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_EXTRA_TEXT_H_
