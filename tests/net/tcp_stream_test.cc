// SPDX-License-Identifier: Apache-2.0
#include "net/tcp_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/tcp.h>

#include <string>
#include <utility>
#include <vector>

#include "net/listen_socket.h"
#include "net/tcp_acceptor.h"
#include "net/uv_loop.h"
#include "tests/support/octets.h"
#include "tests/support/run_loop.h"
#include "tests/support/stream_recorder.h"

namespace dotcache {
namespace {

using ::testing::HasSubstr;

// A connected pair: `client` from TcpStream::Connect(), `server` from Adopt().
class TcpStreamTest : public ::testing::Test, public TcpAcceptor::Delegate {
 protected:
  void Listen(absl::string_view endpoint = "127.0.0.1:0") {
    absl::StatusOr<UniqueFd> fd = BindTcp(*Endpoint::Parse(endpoint));
    if (!fd.ok()) return;
    endpoint_ = LocalEndpoint(fd->get());
    acceptor_ = *TcpAcceptor::Open(loop_, *std::move(fd), *this);
  }
  void OnAccept(UniqueFd fd, const Endpoint& remote) override {
    client_seen_ = remote;
    server_fd_ = fd.get();
    server_at_.in_call = true;
    server_ = TcpStream::Adopt(loop_, std::move(fd), options_, server_at_);
    server_at_.in_call = false;
  }
  void StartConnecting(const Endpoint& remote) {
    client_at_.in_call = true;
    client_ = TcpStream::Connect(loop_, remote, options_, client_at_);
    client_at_.in_call = false;
  }
  void ConnectPair() {
    Listen();
    StartConnecting(endpoint_);
    RunUntil([&] { return server_at_.opens == 1 && client_at_.opens == 1; });
  }
  void RunUntil(absl::FunctionRef<bool()> done) { ASSERT_TRUE(RunLoopUntil(loop_, done)); }
  // Makes the peer's kernel reply with a reset from now on.
  void ResetServer() {
    const linger at_once{1, 0};
    setsockopt(server_fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    server_.reset();
  }

  UvLoop loop_;
  TcpOptions options_;
  StreamRecorder server_at_, client_at_;
  Endpoint endpoint_;  // The endpoint of the acceptor.
  std::unique_ptr<TcpAcceptor> acceptor_;
  std::unique_ptr<TcpStream> server_, client_;
  int server_fd_ = -1;
  Endpoint client_seen_;
};

TEST_F(TcpStreamTest, OctetsPassBothWays) {
  ConnectPair();
  client_->Write(AsBytes("ping"));
  RunUntil([&] { return server_at_.data == "ping"; });
  server_->Write(AsBytes("pong"));
  RunUntil([&] { return client_at_.data == "pong"; });
  EXPECT_EQ(client_->pending_write_bytes(), 0u);
}

TEST_F(TcpStreamTest, OctetsPassOverIpv6) {
  Listen("[::1]:0");
  if (acceptor_ == nullptr) GTEST_SKIP() << "this machine has no ::1";
  StartConnecting(endpoint_);
  client_->Write(AsBytes("ping"));
  RunUntil([&] { return server_at_.data == "ping"; });
}

TEST_F(TcpStreamTest, SendBufferHasTheConfiguredSize) {
  options_.send_buffer_bytes = 16 * 1024;
  ConnectPair();
  int bytes = 0;
  socklen_t size = sizeof bytes;
  ASSERT_EQ(getsockopt(server_fd_, SOL_SOCKET, SO_SNDBUF, &bytes, &size), 0);
  EXPECT_EQ(bytes, 2 * options_.send_buffer_bytes);  // The kernel doubles it: socket(7).
}

TEST_F(TcpStreamTest, ConnectsFromTheConfiguredSource) {
  options_.outgoing.source_v4 = *Endpoint::ParseAddress("127.0.0.2", 0);
  ConnectPair();
  EXPECT_EQ(client_seen_.AddressToString(), "127.0.0.2");
  EXPECT_NE(client_seen_.port(), 0);
}

TEST_F(TcpStreamTest, MissingSourceAddressMakesThePeerUnreachable) {
  options_.outgoing.source_v4 = *Endpoint::ParseAddress("192.0.2.1", 0);
  Listen();
  StartConnecting(endpoint_);
  RunUntil([&] { return client_at_.error != StreamError::kNone || client_at_.opens > 0; });
  EXPECT_EQ(client_at_.error, StreamError::kUnreachable);
  EXPECT_THAT(client_at_.detail, HasSubstr("address not available"));
}

TEST_F(TcpStreamTest, OctetsWrittenBeforeOpenAreSentOnceOpen) {
  Listen();
  StartConnecting(endpoint_);
  client_->Write(AsBytes("early "));
  client_->Write(AsBytes("words"));
  client_->ShutdownWrite();
  EXPECT_EQ(client_->pending_write_bytes(), 11u);
  RunUntil([&] { return server_at_.eofs == 1; });
  EXPECT_EQ(server_at_.data, "early words");
}

TEST_F(TcpStreamTest, WritesOfOneTurnLeaveTogetherAtItsEnd) {
  ConnectPair();
  client_->Write(AsBytes("a"));
  client_->Write(AsBytes("b"));
  EXPECT_EQ(client_->pending_write_bytes(), 2u);
  tcp_info before{}, after{};
  socklen_t size = sizeof before;
  ASSERT_EQ(getsockopt(server_fd_, IPPROTO_TCP, TCP_INFO, &before, &size), 0);
  RunUntil([&] { return server_at_.data == "ab"; });
  ASSERT_EQ(getsockopt(server_fd_, IPPROTO_TCP, TCP_INFO, &after, &size), 0);
  EXPECT_EQ(after.tcpi_data_segs_in - before.tcpi_data_segs_in, 1u);
}

TEST_F(TcpStreamTest, PipelinedMessagesArriveCompleteAndInOrder) {
  ConnectPair();
  std::string sent;
  for (int i = 0; i < 2000; ++i) {
    const std::string message = absl::StrCat("message ", i, ";");
    sent += message;
    client_->Write(AsBytes(message));
    if (i % 7 == 0) loop_.RunOnce();
  }
  RunUntil([&] { return server_at_.data.size() >= sent.size(); });
  EXPECT_EQ(server_at_.data, sent);
}

TEST_F(TcpStreamTest, WritingIsPossibleAfterEof) {
  ConnectPair();
  client_->Write(AsBytes("question"));
  client_->ShutdownWrite();
  RunUntil([&] { return server_at_.eofs == 1; });
  EXPECT_EQ(server_at_.data, "question");
  server_->Write(AsBytes("answer"));
  server_->ShutdownWrite();
  RunUntil([&] { return client_at_.eofs == 1; });
  EXPECT_EQ(client_at_.data, "answer");
  EXPECT_EQ(client_at_.error, StreamError::kNone);
  EXPECT_EQ(server_at_.error, StreamError::kNone);
}

TEST_F(TcpStreamTest, EofIsReportedOnceDespitePausesOfReading) {
  ConnectPair();
  client_->ShutdownWrite();
  RunUntil([&] { return server_at_.eofs == 1; });
  server_->SetReadPaused(true);
  server_->SetReadPaused(false);
  for (int i = 0; i < 5; ++i) loop_.RunOnce();
  EXPECT_EQ(server_at_.eofs, 1);
}

TEST_F(TcpStreamTest, ShutdownWaitsForAllQueuedOctets) {
  options_.write_marks.limit = 16'000'000;
  ConnectPair();
  const std::string big(15'000'000, 'x');
  server_->SetReadPaused(true);
  client_->Write(AsBytes(big));
  for (int i = 0; i < 10; ++i) loop_.RunOnce();
  client_->ShutdownWrite();
  for (int i = 0; i < 10; ++i) loop_.RunOnce();
  ASSERT_GT(client_->pending_write_bytes(), 0u);
  server_->SetReadPaused(false);
  RunUntil([&] { return server_at_.eofs == 1; });
  EXPECT_EQ(server_at_.data.size(), big.size());
}

TEST_F(TcpStreamTest, OctetsInTheKernelAreDeliveredAfterDestruction) {
  ConnectPair();
  client_->Write(AsBytes("last words"));
  loop_.RunOnce();
  client_.reset();
  RunUntil([&] { return server_at_.eofs == 1; });
  EXPECT_EQ(server_at_.data, "last words");
}

TEST_F(TcpStreamTest, DeferDeleteSendsQueuedOctets) {
  ConnectPair();
  server_at_.on_data = [&] {
    server_->Write(AsBytes("bye"));
    loop_.DeferDelete(std::move(server_));
  };
  client_->Write(AsBytes("hello"));
  RunUntil([&] { return client_at_.eofs == 1; });
  EXPECT_EQ(client_at_.data, "bye");
}

TEST_F(TcpStreamTest, StreamMayBeDeferDeletedInEachCallback) {
  Listen();
  client_at_.on_open = [&] { loop_.DeferDelete(std::move(client_)); };
  server_at_.on_eof = [&] { loop_.DeferDelete(std::move(server_)); };
  StartConnecting(endpoint_);
  RunUntil([&] { return server_at_.eofs == 1; });
  loop_.RunOnce();
  EXPECT_EQ(server_, nullptr);

  acceptor_.reset();
  client_at_ = StreamRecorder();
  client_at_.on_error = [&] { loop_.DeferDelete(std::move(client_)); };
  StartConnecting(*Endpoint::Parse("127.0.0.1:1"));
  RunUntil([&] { return client_at_.error != StreamError::kNone; });
  loop_.RunOnce();
  EXPECT_EQ(client_, nullptr);
}

TEST_F(TcpStreamTest, DestroyedStreamCallsNoDelegate) {
  Listen();
  StartConnecting(endpoint_);
  client_->Write(AsBytes("x"));
  client_.reset();
  for (int i = 0; i < 10; ++i) loop_.RunOnce();
  EXPECT_EQ(client_at_.opens, 0);
  EXPECT_EQ(client_at_.error, StreamError::kNone);
}

TEST_F(TcpStreamTest, DestructionDuringAWriteFreesEverything) {
  options_.write_marks.limit = 16'000'000;
  ConnectPair();
  server_->SetReadPaused(true);
  client_->Write(AsBytes(std::string(15'000'000, 'x')));
  client_->Write(AsBytes("more"));
  for (int i = 0; i < 5; ++i) loop_.RunOnce();
  ASSERT_GT(client_->pending_write_bytes(), 0u);
  client_.reset();
  for (int i = 0; i < 5; ++i) loop_.RunOnce();
  EXPECT_EQ(client_at_.error, StreamError::kNone);
}

TEST_F(TcpStreamTest, PausedStreamDeliversNothingUntilResumed) {
  Listen();
  server_at_.on_open = [&] { server_->SetReadPaused(true); };
  StartConnecting(endpoint_);
  client_->Write(AsBytes("wait"));
  RunUntil([&] { return server_at_.opens == 1; });
  for (int i = 0; i < 10; ++i) loop_.RunOnce();
  EXPECT_EQ(server_at_.data, "");
  server_->SetReadPaused(false);
  RunUntil([&] { return server_at_.data == "wait"; });
}

TEST_F(TcpStreamTest, PauseInsideOnDataTakesEffectAtOnce) {
  ConnectPair();
  server_->SetReadPaused(true);
  client_->Write(AsBytes(std::string(500'000, 'x')));
  for (int i = 0; i < 20; ++i) loop_.RunOnce();
  int calls = 0;
  server_at_.on_data = [&] {
    ++calls;
    server_->SetReadPaused(true);
  };
  server_->SetReadPaused(false);
  for (int i = 0; i < 10; ++i) loop_.RunOnce();
  EXPECT_EQ(calls, 1);
}

TEST_F(TcpStreamTest, WritableIsReportedWhenTheQueueFallsFromTheHighToTheLowMark) {
  options_.write_marks = {.low = 1000, .high = 500'000, .limit = 16'000'000};
  ConnectPair();
  client_->Write(AsBytes(std::string(400'000, 'x')));
  RunUntil([&] { return client_->pending_write_bytes() == 0; });
  EXPECT_EQ(client_at_.writables, 0);

  server_->SetReadPaused(true);
  client_->Write(AsBytes(std::string(15'000'000, 'x')));
  for (int i = 0; i < 20; ++i) loop_.RunOnce();
  EXPECT_GT(client_->pending_write_bytes(), 500'000u);
  EXPECT_EQ(client_at_.writables, 0);
  server_->SetReadPaused(false);
  RunUntil([&] { return server_at_.data.size() == 15'400'000u; });
  RunUntil([&] { return client_at_.writables == 1; });
  EXPECT_EQ(client_->pending_write_bytes(), 0u);
}

TEST_F(TcpStreamTest, StreamFailsOverTheWriteLimit) {
  options_.write_marks = {.low = 10, .high = 100, .limit = 1000};
  ConnectPair();
  client_->Write(AsBytes(std::string(1000, 'x')));
  EXPECT_EQ(client_->pending_write_bytes(), 1000u);
  client_at_.in_call = true;
  client_->Write(AsBytes("x"));
  client_at_.in_call = false;
  RunUntil([&] { return client_at_.error != StreamError::kNone; });
  EXPECT_EQ(client_at_.error, StreamError::kWriteOverflow);
  EXPECT_THAT(client_at_.detail, HasSubstr("does not read"));
  client_->Write(AsBytes("ignored"));
  client_->ShutdownWrite();
  client_->SetReadPaused(true);
  EXPECT_EQ(client_->pending_write_bytes(), 0u);
}

TEST_F(TcpStreamTest, RefusedConnectionIsReported) {
  Listen();
  acceptor_.reset();
  StartConnecting(endpoint_);
  client_->Write(AsBytes("never sent"));
  EXPECT_EQ(client_at_.error, StreamError::kNone);
  RunUntil([&] { return client_at_.error != StreamError::kNone; });
  EXPECT_EQ(client_at_.error, StreamError::kConnectRefused);
  EXPECT_EQ(client_at_.detail, "connect: connection refused");
  EXPECT_EQ(client_at_.opens, 0);
}

TEST_F(TcpStreamTest, ImmediateFailureIsReportedInALaterTurn) {
  // A TCP connection to a multicast address fails inside connect().
  StartConnecting(*Endpoint::Parse("224.0.0.1:53"));
  EXPECT_EQ(client_at_.error, StreamError::kNone);
  RunUntil([&] { return client_at_.error != StreamError::kNone; });
  EXPECT_EQ(client_at_.error, StreamError::kUnreachable);
  EXPECT_THAT(client_at_.detail, HasSubstr("unreachable"));
}

TEST_F(TcpStreamTest, DelegateThatReconnectsAfterEachFailureDoesNotBlockTheLoop) {
  int failures = 0;
  std::vector<std::unique_ptr<TcpStream>> failed;
  client_at_.on_error = [&] {
    ++failures;
    client_at_.error = StreamError::kNone;
    failed.push_back(std::move(client_));
    client_ = TcpStream::Connect(loop_, *Endpoint::Parse("224.0.0.1:53"), options_, client_at_);
  };
  StartConnecting(*Endpoint::Parse("224.0.0.1:53"));
  for (int i = 0; i < 5; ++i) loop_.RunOnce();
  EXPECT_LE(failures, 5);
  EXPECT_GE(failures, 2);
}

TEST_F(TcpStreamTest, ResetWhileReadingIsReported) {
  ConnectPair();
  ResetServer();
  RunUntil([&] { return client_at_.error != StreamError::kNone; });
  EXPECT_EQ(client_at_.error, StreamError::kReset);
  EXPECT_EQ(client_at_.detail, "read: connection reset by peer");
}

TEST_F(TcpStreamTest, WriteToAResetConnectionIsAnErrorWithoutASignal) {
  ConnectPair();
  client_->SetReadPaused(true);
  ResetServer();
  for (int i = 0; i < 10 && client_at_.error == StreamError::kNone; ++i) {
    client_->Write(AsBytes("x"));
    loop_.RunOnce();
  }
  RunUntil([&] { return client_at_.error != StreamError::kNone; });
  EXPECT_EQ(client_at_.error, StreamError::kReset);
  EXPECT_THAT(client_at_.detail, HasSubstr("write: "));
}

TEST_F(TcpStreamTest, SetsTheSocketOptions) {
  options_.user_timeout = Milliseconds(1234);
  ConnectPair();
  int value = 0;
  socklen_t size = sizeof value;
  ASSERT_EQ(getsockopt(server_fd_, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &size), 0);
  EXPECT_EQ(value, 1234);
  ASSERT_EQ(getsockopt(server_fd_, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
  EXPECT_EQ(value, 1);
}

TEST_F(TcpStreamTest, InvalidDescriptorCannotBeAdopted) {
  server_ = TcpStream::Adopt(loop_, UniqueFd(), options_, server_at_);
  RunUntil([&] { return server_at_.error != StreamError::kNone; });
  EXPECT_EQ(server_at_.error, StreamError::kReset);
  EXPECT_EQ(server_at_.opens, 0);
}

TEST(StreamErrorTest, EveryErrorHasAName) {
  for (int i = 0; i <= static_cast<int>(StreamError::kWriteOverflow); ++i) {
    EXPECT_NE(StreamErrorName(static_cast<StreamError>(i)), "") << i;
  }
}

}  // namespace
}  // namespace dotcache
