// SPDX-License-Identifier: Apache-2.0
#include "query_log/frame_stream.h"

#include "core/bytes.h"

namespace dotcache {
namespace {

constexpr absl::string_view kContent = "protobuf:dnstap.Dnstap";
constexpr uint32_t kContentField = 1;

void AppendU32(uint32_t value, std::string& out) {
  uint8_t octets[4];
  StoreU32(octets, value);
  out.append(reinterpret_cast<const char*>(octets), sizeof(octets));
}

uint32_t TakeU32(absl::string_view& octets) {
  if (octets.size() < 4) {
    octets = {};
    return 0;
  }
  const uint32_t value = LoadU32(reinterpret_cast<const uint8_t*>(octets.data()));
  octets.remove_prefix(4);
  return value;
}

}  // namespace

void AppendFrame(absl::string_view data, std::string& out) {
  AppendU32(static_cast<uint32_t>(data.size()), out);
  out.append(data.data(), data.size());
}

std::string FormatControl(FrameControl control) {
  std::string frame;
  AppendU32(static_cast<uint32_t>(control), frame);
  if (control == FrameControl::kReady || control == FrameControl::kStart ||
      control == FrameControl::kAccept) {
    AppendU32(kContentField, frame);
    AppendFrame(kContent, frame);
  }
  std::string out;
  AppendU32(0, out);  // A data frame without data announces a control frame.
  AppendFrame(frame, out);
  return out;
}

bool IsControl(absl::string_view frame, FrameControl control) {
  if (TakeU32(frame) != static_cast<uint32_t>(control)) return false;
  if (control != FrameControl::kAccept) return true;
  while (!frame.empty()) {
    const uint32_t field = TakeU32(frame);
    const size_t size = TakeU32(frame);
    if (size > frame.size()) return false;
    if (field == kContentField && frame.substr(0, size) == kContent) return true;
    frame.remove_prefix(size);
  }
  return false;
}

}  // namespace dotcache
