// SPDX-License-Identifier: Apache-2.0
// Texts as octets, for tests of streams and sessions.
#ifndef DOTCACHE_TESTS_SUPPORT_OCTETS_H_
#define DOTCACHE_TESTS_SUPPORT_OCTETS_H_

#include "absl/strings/string_view.h"
#include "core/bytes.h"

namespace dotcache {

// Returns the octets of a text. They are valid as long as the text.
inline Bytes AsBytes(absl::string_view text) {
  return Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_OCTETS_H_
