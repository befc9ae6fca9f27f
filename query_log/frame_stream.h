// SPDX-License-Identifier: Apache-2.0
// Frame Streams, the framing of dnstap files and sockets (fstrm's README and fstrm/control.h).
#ifndef DOTCACHE_QUERY_LOG_FRAME_STREAM_H_
#define DOTCACHE_QUERY_LOG_FRAME_STREAM_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace dotcache {

// A writer sends kReady and gets kAccept; it sends kStart, data and kStop; it gets kFinish. A file
// has only kStart, data and kStop.
enum class FrameControl : uint32_t { kAccept = 1, kStart = 2, kStop = 3, kReady = 4, kFinish = 5 };

// A longer control frame is malformed.
inline constexpr size_t kMaxControlFrame = 512;

// Appends a data frame.
void AppendFrame(absl::string_view data, std::string& out);

// Returns the octets of a control frame. kReady and kStart name the content: dnstap.
std::string FormatControl(FrameControl control);

// True if `frame`, the octets behind both lengths of a control frame, is `control`, and names
// dnstap if it is kAccept.
bool IsControl(absl::string_view frame, FrameControl control);

}  // namespace dotcache

#endif  // DOTCACHE_QUERY_LOG_FRAME_STREAM_H_
