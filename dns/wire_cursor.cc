// SPDX-License-Identifier: Apache-2.0
#include "dns/wire_cursor.h"

#include <array>
#include <cstring>

#include "dns/wire_sizes.h"

namespace dotcache {
namespace {

constexpr uint16_t kPointerTargetMask = 0x3fff;

}  // namespace

DomainName WireCursor::ReadName() {
  std::array<uint8_t, kMaxNameSize> octets;
  const size_t size = FollowName(octets.data());
  return size == 0 ? DomainName() : DomainName::FromValidatedWire(Bytes(octets.data(), size));
}

size_t WireCursor::FollowName(uint8_t* octets) {
  if (failed_) return 0;
  size_t at = position_;    // Start of the next label.
  size_t run_begin = at;    // Start of the current run of labels.
  size_t run_limit = end_;  // The run must end before this offset.
  size_t after_name = 0;    // Offset after the first pointer. 0: no pointer yet.
  size_t size = 0;
  int hops = 0;
  while (at < run_limit) {
    if (names_ != nullptr && hops == 0) names_->AddLabel(at);
    const uint8_t length = message_[at];
    if (length <= kMaxLabelSize) {
      const size_t label_size = size_t{length} + 1;
      if (label_size > run_limit - at || size + label_size > kMaxNameSize) break;
      if (octets != nullptr) std::memcpy(octets + size, &message_[at], label_size);
      at += label_size;
      size += label_size;
      if (length != 0) continue;
      if (names_ != nullptr && !names_->AddName(size)) break;
      position_ = after_name == 0 ? at : after_name;
      return size;
    }
    if (length < kPointerBits || run_limit - at < 2 || ++hops > kMaxPointerHops) break;
    const size_t target = LoadU16(&message_[at]) & kPointerTargetMask;
    if (target < kHeaderSize || target >= run_begin) break;
    if (names_ != nullptr && !names_->HasLabel(target)) break;
    if (after_name == 0) after_name = at + 2;
    at = target;
    run_limit = run_begin;
    run_begin = target;
  }
  failed_ = true;
  return 0;
}

}  // namespace dotcache
