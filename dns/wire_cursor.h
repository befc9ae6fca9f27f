// SPDX-License-Identifier: Apache-2.0
// A bounds-checked reader of untrusted DNS messages.
#ifndef DOTCACHE_DNS_WIRE_CURSOR_H_
#define DOTCACHE_DNS_WIRE_CURSOR_H_

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "dns/domain_name.h"

namespace dotcache {

// Longest chain of compression pointers that one name may need. A compressor needs one for a name
// that occurred before and one more for each label that such a name shares with an earlier one.
inline constexpr int kMaxPointerHops = 32;

// What the names that are read in one message may take when they are all written out. 64 KiB of
// ordinary records come to half of this; 64 KiB of pointers to names of 255 octets come to ten
// times as much, and cost milliseconds to follow.
inline constexpr size_t kMaxNameOctets = size_t{256} * 1024;

// The names of one message as far as they have been read: where their labels begin, and what they
// take. A pointer is meant to lead to "a prior occurrence of the same name" (RFC 1035 section
// 4.1.4): one that leads elsewhere may read as a name today, and as another one when a TTL that it
// leads into has been counted down.
class MessageNames {
 public:
  static constexpr size_t kLimit = 0x4000;  // What 14 bits can point to.

  void AddLabel(size_t offset) {
    if (offset < kLimit) labels_.set(offset);
  }
  bool HasLabel(size_t offset) const { return offset < kLimit && labels_.test(offset); }

  // Takes note of one more name of this size. False when that makes too much.
  bool AddName(size_t size) { return (octets_ += size) <= kMaxNameOctets; }
  size_t octets() const { return octets_; }

 private:
  std::bitset<kLimit> labels_;
  size_t octets_ = 0;
};

// Reads forward through the octets [begin, end) of a message; what our own code knows of a message
// from the network, it knows through this class. Every read checks its bounds. The first one that
// fails sets the cursor to failed for good: it and all later reads return zeros and move nothing,
// so that callers may read a whole structure and ask ok() once.
//
// Names follow RFC 1035 sections 3.1 and 4.1.4 strictly, so that following one always ends: a
// pointer leads to an earlier octet behind the header, the labels found there end before the name
// that pointed to them begins, there are at most kMaxPointerHops pointers, and the whole name has
// at most 255 octets (RFC 9267 shows what happens elsewhere).
//
// With a MessageNames, every name that is read is entered there, and pointers lead only to labels
// of names that have been entered before.
//
// Holds views: the message and the MessageNames must outlive the cursor. Not thread-safe. Costs a
// few nanoseconds per read and no allocation.
class WireCursor {
 public:
  // Reads from `begin` up to `end`; pointers may lead to any earlier octet of `message`.
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
  // True when every octet has been read and no read has failed.
  bool AtEnd() const { return !failed_ && position_ == end_; }

  uint8_t ReadU8() { return Advance(1) ? message_[position_ - 1] : uint8_t{0}; }
  uint16_t ReadU16() { return Advance(2) ? LoadU16(&message_[position_ - 2]) : uint16_t{0}; }
  uint32_t ReadU32() { return Advance(4) ? LoadU32(&message_[position_ - 4]) : uint32_t{0}; }

  // The next `count` octets; empty when there are fewer.
  Bytes ReadBytes(size_t count) {
    return Advance(count) ? message_.subspan(position_ - count, count) : Bytes();
  }

  void Skip(size_t count) { Advance(count); }

  // A length octet and as many octets (RFC 1035 section 3.3, <character-string>).
  void SkipString() { Skip(ReadU8()); }

  // The next name, decompressed, as it is spelled; the root when there is none.
  DomainName ReadName();

  // Moves past the next name, checked like ReadName().
  void SkipName();

  // Moves past the next name, which must not be compressed (RFC 3597 section 4).
  void SkipUncompressedName();

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

  // Moves past the next name, and copies its labels to `octets` unless that is null. Returns its
  // size decompressed; 0 after a failure.
  size_t FollowName(uint8_t* octets, int max_hops);

  Bytes message_;
  MessageNames* names_;  // Not owned; may be null.
  size_t end_;
  size_t position_;
  bool failed_;
};

}  // namespace dotcache

#endif  // DOTCACHE_DNS_WIRE_CURSOR_H_
