// SPDX-License-Identifier: Apache-2.0
// Two-octet length framing of messages on a stream (RFC 1035 section 4.2.2, RFC 7766 section 8).
#ifndef DOTCACHE_DNS_STREAM_FRAMER_H_
#define DOTCACHE_DNS_STREAM_FRAMER_H_

#include <cstdint>
#include <optional>

#include "core/bytes.h"

namespace dotcache {

// Cuts a byte stream into messages, whatever the pieces it arrives in. A pure value: no socket, no
// loop. Holds at most one incomplete message (65,537 octets) beyond the piece it was fed; its
// buffer is given back when empty. Not thread-safe.
//
//   framer.Feed(piece);
//   while (std::optional<Bytes> message = framer.Next()) Handle(*message);
class StreamFramer {
 public:
  // Adds octets. Whole messages inside `piece` are handed out as views of it without a copy, so
  // `piece` must stay valid until Next() has returned nullopt. REQUIRES: Next() returned nullopt
  // since the last Feed().
  void Feed(Bytes piece);

  // The next whole message, which may be empty (length 0), or nullopt when more octets are needed;
  // an incomplete rest is then copied. The view is valid until the next call of Feed() or Next().
  std::optional<Bytes> Next();

  // True when a message has begun but not ended: an EOF now would cut it.
  bool mid_message() const { return !buffer_.empty() && !buffer_done_; }

  // What the incomplete message takes in memory; its vector may have grown ahead of it.
  size_t held_bytes() const { return buffer_.capacity(); }

 private:
  // Moves octets from `input_` until `buffer_` holds `size`, as far as they go.
  void FillBuffer(size_t size);

  WireMessage buffer_;        // Length prefix and octets of an incomplete message.
  Bytes input_;               // What Feed() brought and Next() has not consumed.
  bool buffer_done_ = false;  // The message in `buffer_` was handed out; drop it in the next call.
};

// Appends the length prefix and the message to `stream`. REQUIRES: message.size() <= 65,535.
void AppendFramed(Bytes message, WireMessage& stream);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_STREAM_FRAMER_H_
