// SPDX-License-Identifier: Apache-2.0
// A ByteStream::Delegate that records its calls.
#ifndef DOTCACHE_TESTS_SUPPORT_STREAM_RECORDER_H_
#define DOTCACHE_TESTS_SUPPORT_STREAM_RECORDER_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "gtest/gtest.h"
#include "net/byte_stream.h"

namespace dotcache {

// A ByteStream::Delegate that records each callback and checks their order.
class StreamRecorder : public ByteStream::Delegate {
 public:
  void OnStreamOpen() override {
    EXPECT_FALSE(in_call);
    EXPECT_TRUE(data.empty());
    ++opens;
    Call(on_open);
  }
  void OnStreamData(Bytes octets) override {
    EXPECT_FALSE(in_call);
    EXPECT_EQ(opens, 1);
    EXPECT_EQ(eofs, 0);
    data.append(reinterpret_cast<const char*>(octets.data()), octets.size());
    Call(on_data);
  }
  void OnStreamEof() override {
    EXPECT_FALSE(in_call);
    ++eofs;
    Call(on_eof);
  }
  void OnStreamWritable() override {
    EXPECT_FALSE(in_call);
    ++writables;
  }
  void OnStreamError(StreamError why, const std::string& words) override {
    EXPECT_FALSE(in_call);
    EXPECT_EQ(error, StreamError::kNone);
    error = why;
    detail = words;
    Call(on_error);
  }

  bool in_call = false;  // True during a call into the stream. No callback may come then.
  int opens = 0, eofs = 0, writables = 0;
  std::string data, detail;
  StreamError error = StreamError::kNone;
  absl::AnyInvocable<void()> on_open, on_data, on_eof, on_error;
  absl::AnyInvocable<void()> on_event;  // Called after any of the callbacks.

 private:
  void Call(absl::AnyInvocable<void()>& callback) {
    if (callback) callback();
    if (on_event) on_event();
  }
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_STREAM_RECORDER_H_
