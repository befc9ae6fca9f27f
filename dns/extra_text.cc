// SPDX-License-Identifier: Apache-2.0
#include "dns/extra_text.h"

#include <algorithm>

namespace dotcache {
namespace {

bool IsContinuation(uint8_t octet) { return (octet & 0xc0) == 0x80; }

// The size of the character at the front of `text` (RFC 3629 section 4). 0 when it is not UTF-8, or
// a control character.
size_t CharacterSize(Bytes text) {
  const uint8_t first = text[0];
  if (first < 0x80) return first < 0x20 || first == 0x7f ? 0 : 1;
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  if (!std::all_of(text.begin() + 1, text.begin() + size, IsContinuation)) return 0;
  const uint8_t second = text[1];
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second > 0x9f;
  const bool beyond_unicode = first == 0xf4 && second > 0x8f;
  const bool control = first == 0xc2 && second < 0xa0;
  return overlong || surrogate || beyond_unicode || control ? 0 : size;
}

}  // namespace

std::string CleanExtraText(Bytes text) {
  while (!text.empty() && text.back() == 0) text.remove_suffix(1);
  std::string clean;
  while (!text.empty()) {
    const size_t size = CharacterSize(text);
    if (size == 0) return "";
    if (clean.size() + size > kMaxExtraText) break;
    clean.append(text.begin(), text.begin() + size);
    text.remove_prefix(size);
  }
  return clean;
}

absl::string_view FirstCharacters(absl::string_view text, size_t size) {
  if (size >= text.size()) return text;
  while (size > 0 && IsContinuation(static_cast<uint8_t>(text[size]))) --size;
  return text.substr(0, size);
}

}  // namespace dotcache
