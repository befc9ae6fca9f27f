// SPDX-License-Identifier: Apache-2.0
// Two-octet length framing of messages on a stream (RFC 1035 section 4.2.2, RFC 7766 section 8).
#ifndef DOTCACHE_DNS_STREAM_FRAMER_H_
#define DOTCACHE_DNS_STREAM_FRAMER_H_

#include <cstdint>
#include <optional>

#include "core/bytes.h"

namespace dotcache {

// Splits a byte stream into messages, for any split of the stream into pieces. A pure value: no
// socket, no loop. It keeps at most one incomplete message (65,537 octets) in addition to the piece
// passed to Feed(). It frees the buffer of that message after the message was consumed. Not
// thread-safe.
//
//   framer.Feed(piece);
//   while (std::optional<Bytes> message = framer.Next()) Handle(*message);
class StreamFramer {
 public:
  // Adds octets. A complete message inside `piece` is returned as a view of it, without a copy.
  // `piece` must therefore stay valid until Next() has returned nullopt. REQUIRES: Next() returned
  // nullopt since the last Feed().
  void Feed(Bytes piece);

  // Returns the next complete message, which may be empty (length 0). nullopt when more octets are
  // needed; an incomplete rest is then copied. The view is valid until the next call of Feed() or
  // Next().
  std::optional<Bytes> Next();

  // True when a message is incomplete: an EOF now would truncate it.
  bool mid_message() const { return !buffer_.empty() && !buffer_done_; }

  // Memory that the incomplete message uses. The capacity of the vector may be larger than the
  // message.
  size_t held_bytes() const { return buffer_.capacity(); }

 private:
  // Moves octets from `input_` until `buffer_` has `size` octets or `input_` is empty.
  void FillBuffer(size_t size);

  WireMessage buffer_;        // Length prefix and octets of an incomplete message.
  Bytes input_;               // The octets given to Feed() that Next() has not consumed.
  bool buffer_done_ = false;  // Next() returned the message in `buffer_`. The next call drops it.
};

}  // namespace dotcache

#endif  // DOTCACHE_DNS_STREAM_FRAMER_H_
