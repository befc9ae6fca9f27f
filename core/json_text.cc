// SPDX-License-Identifier: Apache-2.0
#include "core/json_text.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"

namespace dotcache {
namespace {

bool IsContinuation(uint8_t octet) { return (octet & 0xc0) == 0x80; }

// The octets of the UTF-8 character at the begin of `text`, or 0 if there is none (RFC 3629 section
// 4). REQUIRES: `text` is not empty.
size_t CharacterSize(absl::string_view text) {
  const auto octet = [text](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  const uint8_t first = octet(0);
  const uint8_t second = octet(1);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4 || !IsContinuation(second)) return 0;
  if (first < 0xe0) return 2;
  if (!IsContinuation(octet(2))) return 0;
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second > 0x9f;
  const bool too_high = first == 0xf4 && second > 0x8f;
  if (overlong || surrogate || too_high) return 0;
  if (first < 0xf0) return 3;
  return IsContinuation(octet(3)) ? 4 : 0;
}

}  // namespace

void AppendJsonText(absl::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const size_t size = CharacterSize(text);
    const auto octet = static_cast<uint8_t>(text[0]);
    if (size == 0) {
      out += "\\ufffd";
    } else if (octet < 0x20 || octet == 0x7f) {
      absl::StrAppend(&out, "\\u", absl::Hex(octet, absl::kZeroPad4));
    } else {
      if (octet == '"' || octet == '\\') out += '\\';
      out.append(text.data(), size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  out += '"';
}

}  // namespace dotcache
