// SPDX-License-Identifier: Apache-2.0
#include "dns/stream_framer.h"

#include <algorithm>
#include <cassert>

namespace dotcache {
namespace {

constexpr size_t kPrefixSize = 2;

// Size of the first message in `octets` with its prefix. While the prefix is incomplete: the size
// of the prefix.
size_t FramedSize(Bytes octets) {
  return octets.size() < kPrefixSize ? kPrefixSize : kPrefixSize + LoadU16(octets.data());
}

}  // namespace

void StreamFramer::Feed(Bytes piece) {
  assert(input_.empty());
  input_ = piece;
}

std::optional<Bytes> StreamFramer::Next() {
  if (buffer_done_) {
    WireMessage().swap(buffer_);
    buffer_done_ = false;
  }
  if (!buffer_.empty()) {
    FillBuffer(FramedSize(buffer_));  // Completes the prefix, if it was incomplete.
    FillBuffer(FramedSize(buffer_));  // A complete prefix gives the size of the message.
    buffer_done_ = buffer_.size() == FramedSize(buffer_);
    if (!buffer_done_) return std::nullopt;
    return Bytes(buffer_).subspan(kPrefixSize);
  }
  const size_t framed_size = FramedSize(input_);
  if (input_.size() < framed_size) {
    FillBuffer(input_.size());
    return std::nullopt;
  }
  const Bytes message = input_.subspan(kPrefixSize, framed_size - kPrefixSize);
  input_.remove_prefix(framed_size);
  return message;
}

void StreamFramer::FillBuffer(size_t size) {
  const size_t taken = std::min(size - buffer_.size(), input_.size());
  buffer_.insert(buffer_.end(), input_.begin(), input_.begin() + taken);
  input_.remove_prefix(taken);
}

}  // namespace dotcache
