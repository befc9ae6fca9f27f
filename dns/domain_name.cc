// SPDX-License-Identifier: Apache-2.0
#include "dns/domain_name.h"

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "dns/wire_sizes.h"

namespace dotcache {
namespace {

// Replaces A-Z by a-z in eight octets at once. Length octets are below 'A' and do not change.
uint64_t LowerCase(uint64_t octets) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  const uint64_t low_bits = octets & (kOnes * 0x7f);
  const uint64_t from_a = low_bits + kOnes * (0x80 - 'A');
  const uint64_t above_z = low_bits + kOnes * (0x7f - 'Z');
  const uint64_t upper = (from_a & ~above_z & ~octets) & (kOnes * 0x80);
  return octets | (upper >> 2);
}

bool EqualIgnoringCase(Bytes a, Bytes b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](uint8_t x, uint8_t y) {
    return absl::ascii_tolower(x) == absl::ascii_tolower(y);
  });
}

// Removes one octet of a label in presentation format from the front of `text`. nullopt when the
// escape or the octet is not allowed.
std::optional<uint8_t> TakeOctet(absl::string_view& text) {
  const auto octet = static_cast<uint8_t>(text.front());
  text.remove_prefix(1);
  if (octet != '\\') return absl::ascii_isgraph(octet) ? std::optional(octet) : std::nullopt;
  if (text.empty()) return std::nullopt;
  if (!absl::ascii_isdigit(static_cast<uint8_t>(text.front()))) {
    const auto escaped = static_cast<uint8_t>(text.front());
    text.remove_prefix(1);
    return absl::ascii_isgraph(escaped) ? std::optional(escaped) : std::nullopt;
  }
  if (text.size() < 3) return std::nullopt;
  int value = 0;
  for (char digit : text.substr(0, 3)) {
    if (!absl::ascii_isdigit(static_cast<uint8_t>(digit))) return std::nullopt;
    value = value * 10 + (digit - '0');
  }
  text.remove_prefix(3);
  return value <= 255 ? std::optional(static_cast<uint8_t>(value)) : std::nullopt;
}

absl::Status Invalid(absl::string_view why) { return absl::InvalidArgumentError(why); }

}  // namespace

absl::StatusOr<DomainName> DomainName::FromText(absl::string_view text) {
  DomainName name;
  if (text == ".") return name;
  if (text.empty()) return Invalid("the name is empty");
  size_t label_at = 0;  // Offset of the current label's length octet.
  size_t end = 1;
  const auto close_label = [&name, &label_at, &end] {
    const size_t label_size = end - label_at - 1;
    name.octets_[label_at] = static_cast<uint8_t>(label_size);
    label_at = end++;
    return label_size > 0;
  };
  while (!text.empty()) {
    if (text.front() == '.') {
      text.remove_prefix(1);
      if (!close_label()) return Invalid("the name has an empty label");
      continue;
    }
    const std::optional<uint8_t> octet = TakeOctet(text);
    if (!octet.has_value()) return Invalid("the name has a bad escape or an unescaped octet");
    if (end - label_at > kMaxLabelSize) return Invalid("a label is longer than 63 octets");
    // Needs room for this octet and for the root's zero octet.
    if (end + 1 >= kMaxNameSize) return Invalid("the name is longer than 255 octets");
    name.octets_[end++] = *octet;
  }
  if (end - label_at > 1) close_label();
  name.octets_[label_at] = 0;
  name.size_ = static_cast<uint8_t>(label_at + 1);
  return name;
}

DomainName DomainName::Canonical() const {
  DomainName canonical(*this);
  uint8_t* octets = canonical.octets_.data();
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= size_; i += sizeof(uint64_t)) {
    uint64_t eight;
    std::memcpy(&eight, octets + i, sizeof(eight));
    eight = LowerCase(eight);
    std::memcpy(octets + i, &eight, sizeof(eight));
  }
  for (; i < size_; ++i) octets[i] = static_cast<uint8_t>(absl::ascii_tolower(octets[i]));
  return canonical;
}

int DomainName::LabelCount() const {
  int count = 0;
  for (size_t i = 0; octets_[i] != 0; i += octets_[i] + 1u) ++count;
  return count;
}

DomainName DomainName::WithoutLabels(int count) const {
  size_t start = 0;
  for (; count > 0 && octets_[start] != 0; --count) start += octets_[start] + 1u;
  return FromValidatedWire(wire().subspan(start));
}

bool DomainName::IsAtOrBelow(const DomainName& ancestor) const {
  if (ancestor.size_ > size_) return false;
  const size_t start = size_t{size_} - ancestor.size_;
  size_t label = 0;
  while (label < start) label += octets_[label] + 1u;
  return label == start && EqualIgnoringCase(wire().subspan(start), ancestor.wire());
}

std::string DomainName::ToString() const {
  if (size_ == 1) return ".";
  constexpr absl::string_view kSpecial = "\"$().;@\\";
  std::string text;
  for (size_t i = 0; octets_[i] != 0; i += octets_[i] + 1u) {
    for (uint8_t octet : wire().subspan(i + 1, octets_[i])) {
      if (!absl::ascii_isgraph(octet)) {
        absl::StrAppend(&text, "\\", absl::Dec(octet, absl::kZeroPad3));
        continue;
      }
      if (kSpecial.find(static_cast<char>(octet)) != kSpecial.npos) text += '\\';
      text += static_cast<char>(octet);
    }
    text += '.';
  }
  return text;
}

}  // namespace dotcache
