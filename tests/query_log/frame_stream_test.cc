// SPDX-License-Identifier: Apache-2.0
#include "query_log/frame_stream.h"

#include <string>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

using namespace std::string_literals;  // NOLINT

// The frames of the Frame Streams documentation, with the content type of dnstap.
const std::string kStart = "\0\0\0\0\0\0\0\x22\0\0\0\2\0\0\0\1\0\0\0\x16protobuf:dnstap.Dnstap"s;
const std::string kStop = "\0\0\0\0\0\0\0\4\0\0\0\3"s;

TEST(FrameStreamTest, ControlFramesHaveTheOctetsOfTheSpecification) {
  EXPECT_EQ(FormatControl(FrameControl::kStart), kStart);
  EXPECT_EQ(FormatControl(FrameControl::kStop), kStop);
}

TEST(FrameStreamTest, ADataFrameHasItsLengthInFront) {
  std::string out = "x";
  AppendFrame("data", out);
  EXPECT_EQ(out, "x\0\0\0\4data"s);
}

TEST(FrameStreamTest, AcceptMustNameDnstap) {
  const std::string accept = FormatControl(FrameControl::kAccept).substr(8);
  EXPECT_TRUE(IsControl(accept, FrameControl::kAccept));
  EXPECT_FALSE(IsControl(accept, FrameControl::kFinish));
  std::string other = accept;
  other.back() = 'q';
  EXPECT_FALSE(IsControl(other, FrameControl::kAccept));
  EXPECT_FALSE(IsControl("\0\0\0\1"s, FrameControl::kAccept));
  EXPECT_TRUE(IsControl("\0\0\0\5"s, FrameControl::kFinish));
}

TEST(FrameStreamTest, EveryTruncatedAcceptIsNone) {
  const std::string accept = FormatControl(FrameControl::kAccept).substr(8);
  for (size_t size = 0; size < accept.size(); ++size) {
    EXPECT_FALSE(IsControl(accept.substr(0, size), FrameControl::kAccept)) << size;
  }
}

}  // namespace
}  // namespace dotcache
