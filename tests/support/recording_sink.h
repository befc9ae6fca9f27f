// SPDX-License-Identifier: Apache-2.0
// A ReplySink that records the replies.
#ifndef DOTCACHE_TESTS_SUPPORT_RECORDING_SINK_H_
#define DOTCACHE_TESTS_SUPPORT_RECORDING_SINK_H_

#include <vector>

#include "answer/reply_sink.h"

namespace dotcache {

// Records the replies to all clients, in order. Not thread-safe.
class RecordingSink : public ReplySink {
 public:
  struct Reply {
    ReplyAddress address;
    WireMessage wire;  // Empty if the query counts as answered but nothing is sent.
  };

  const std::vector<Reply>& replies() const { return replies_; }

  // From now on every client counts as gone.
  void Disconnect() { connected_ = false; }

  MutableBytes ReserveReply(const ReplyAddress& address) override {
    if (!connected_) return {};
    buffer_.assign(address.transport == Transport::kUdp ? kMaxUdpReply : kMaxMessageSize, 0xdd);
    return MutableBytes(buffer_);
  }

  void CommitReply(const ReplyAddress& address, size_t size) override {
    buffer_.resize(size);
    replies_.push_back({address, std::move(buffer_)});
    buffer_.clear();
  }

 private:
  bool connected_ = true;
  WireMessage buffer_;
  std::vector<Reply> replies_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_RECORDING_SINK_H_
