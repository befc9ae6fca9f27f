// SPDX-License-Identifier: Apache-2.0
// A bounds-checked reader for untrusted DNS messages.
#ifndef DOTCACHE_DNS_WIRE_CURSOR_H_
#define DOTCACHE_DNS_WIRE_CURSOR_H_

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "dns/domain_name.h"

namespace dotcache {

// Limit for the compression pointers of one name. A compressor needs one pointer for a name that
// occurred before. It needs one more for each label that such a name shares with an earlier name.
inline constexpr int kMaxPointerHops = 32;

// Limit for the decompressed size of all names read in one message. A message of 64 KiB with
// ordinary records needs half of it. A message of pointers to names of 255 octets would need ten
// times as much, and milliseconds of CPU.
inline constexpr size_t kMaxNameOctets = size_t{256} * 1024;

// The names read so far in one message: the offsets of their labels, and their total size. A
// pointer must lead to "a prior occurrence of the same name" (RFC 1035 section 4.1.4). Other
// octets, such as a TTL, can also look like a name. That name would change when a reply reduces the
// TTL.
class MessageNames {
 public:
  static constexpr size_t kLimit = 0x4000;  // A pointer has 14 bits.

  void AddLabel(size_t offset) {
    if (offset < kLimit) labels_.set(offset);
  }
  bool HasLabel(size_t offset) const { return offset < kLimit && labels_.test(offset); }

  // Counts one more name of this size. False when the total exceeds the limit.
  bool AddName(size_t size) { return (octets_ += size) <= kMaxNameOctets; }
  size_t octets() const { return octets_; }

 private:
  std::bitset<kLimit> labels_;
  size_t octets_ = 0;
};

// Reads forward through the octets [begin, end) of an upstream server's response or of RDATA. Every
// read checks its bounds. After the first failed read, the cursor stays failed. This read and all
// later reads return zeros and do not move. A caller may therefore read a whole structure and check
// ok() once.
//
// Names follow RFC 1035 sections 3.1 and 4.1.4 strictly, so reading a name always ends (RFC 9267
// shows what happens otherwise):
// - a pointer leads to an earlier octet after the header;
// - the labels there end before the name that has the pointer begins;
// - a name has at most kMaxPointerHops pointers and 255 octets.
//
// With a MessageNames, each name that is read is added to it. A pointer may then only lead to a
// label of a name added earlier.
//
// Holds views: the message and the MessageNames must outlive the cursor. Not thread-safe. A read
// costs a few nanoseconds and allocates nothing.
class WireCursor {
 public:
  // Reads from `begin` to `end`. A pointer may lead to any earlier octet of `message`.
  WireCursor(Bytes message, size_t begin, size_t end, MessageNames* names = nullptr)
      : message_(message),
        names_(names),
        end_(std::min(end, message.size())),
        position_(std::min(begin, end_)),
        failed_(begin > end || end > message.size()) {}

  explicit WireCursor(Bytes message) : WireCursor(message, 0, message.size()) {}

  bool ok() const { return !failed_; }
  size_t position() const { return position_; }
  size_t remaining() const { return end_ - position_; }
  // True when every octet was read and no read failed.
  bool AtEnd() const { return !failed_ && position_ == end_; }

  uint8_t ReadU8() { return Advance(1) ? message_[position_ - 1] : uint8_t{0}; }
  uint16_t ReadU16() { return Advance(2) ? LoadU16(&message_[position_ - 2]) : uint16_t{0}; }
  uint32_t ReadU32() { return Advance(4) ? LoadU32(&message_[position_ - 4]) : uint32_t{0}; }

  // The next `count` octets. Empty when there are fewer.
  Bytes ReadBytes(size_t count) {
    return Advance(count) ? message_.subspan(position_ - count, count) : Bytes();
  }

  void Skip(size_t count) { Advance(count); }

  // Moves past a <character-string>: a length octet and that many octets (RFC 1035 section 3.3).
  void SkipString() { Skip(ReadU8()); }

  // The next name, decompressed and in its spelling. The root after a failure.
  DomainName ReadName();

  // Moves past the next name, with the checks of ReadName(). Returns the size of the name written
  // in full; 0 after a failure.
  size_t SkipName() { return FollowName(nullptr); }

  void Fail() { failed_ = true; }

 private:
  bool Advance(size_t count) {
    if (failed_ || count > remaining()) {
      failed_ = true;
      return false;
    }
    position_ += count;
    return true;
  }

  // Moves past the next name, and copies its labels to `octets` unless that is null. Returns the
  // decompressed size, or 0 after a failure.
  size_t FollowName(uint8_t* octets);

  Bytes message_;
  MessageNames* names_;  // Not owned; may be null.
  size_t end_;
  size_t position_;
  bool failed_;
};

}  // namespace dotcache

#endif  // DOTCACHE_DNS_WIRE_CURSOR_H_
