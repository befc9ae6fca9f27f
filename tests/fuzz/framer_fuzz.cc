// SPDX-License-Identifier: Apache-2.0
// StreamFramer on any stream, cut anywhere: the messages are those of a plain reading of the whole.
// The first octet says how the rest is cut.
#include <algorithm>
#include <vector>

#include "dns/stream_framer.h"
#include "tests/fuzz/fuzz_target.h"

using dotcache::Bytes;
using dotcache::WireMessage;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t stride = data[0] + 1u;
  const Bytes stream(data + 1, size - 1);

  std::vector<WireMessage> expected;
  Bytes rest = stream;
  while (rest.size() >= 2 && rest.size() - 2 >= dotcache::LoadU16(rest.data())) {
    const Bytes message = rest.subspan(2, dotcache::LoadU16(rest.data()));
    expected.emplace_back(message.begin(), message.end());
    rest.remove_prefix(2 + message.size());
  }

  dotcache::StreamFramer framer;
  size_t next = 0;
  for (size_t at = 0, step = stride; at < stream.size(); at += step, step = 1 + step * 7 % 251) {
    // A copy without slack, so that a sanitizer sees what is read beyond it or too late.
    const Bytes piece = stream.subspan(at, std::min(step, stream.size() - at));
    const WireMessage copy(piece.begin(), piece.end());
    framer.Feed(copy);
    while (const std::optional<Bytes> message = framer.Next()) {
      FUZZ_CHECK(next < expected.size() && *message == Bytes(expected[next]));
      ++next;
    }
  }
  FUZZ_CHECK(next == expected.size());
  FUZZ_CHECK(framer.mid_message() == !rest.empty());
  return 0;
}
