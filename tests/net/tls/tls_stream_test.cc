// SPDX-License-Identifier: Apache-2.0
#include "net/tls/tls_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "net/listen_socket.h"
#include "net/tcp_acceptor.h"
#include "net/uv_loop.h"
#include "tests/support/octets.h"
#include "tests/support/run_loop.h"
#include "tests/support/stream_recorder.h"
#include "tests/support/test_certificates.h"

namespace dotcache {
namespace {

using ::testing::HasSubstr;

// A client over TLS, and a server over TLS. The server may also be plain TCP, to read and change
// the records.
class TlsStreamTest : public ::testing::Test, public TcpAcceptor::Delegate {
 protected:
  TlsStreamTest() { UseCertificate(GetTestCertificates().server); }

  void UseCertificate(const TestCertificate& files) {
    credentials_ = *TlsServerCredentials::FromFiles(files.certificate_file, files.key_file);
  }
  void OnAccept(UniqueFd fd, const Endpoint&) override {
    if (server_is_tcp_) {
      tcp_server_ = TcpStream::Adopt(loop_, std::move(fd), {}, server_at_);
    } else {
      server_ = TlsStream::Adopt(loop_, std::move(fd), options_,
                                 *TlsSession::NewServer(credentials_), server_at_);
    }
  }
  void StartConnecting() {
    if (acceptor_ == nullptr) {
      UniqueFd fd = *BindTcp(*Endpoint::Parse("127.0.0.1:0"));
      endpoint_ = LocalEndpoint(fd.get());
      acceptor_ = *TcpAcceptor::Open(loop_, std::move(fd), *this);
    }
    TlsPeerIdentity identity{
        .authentication_name = kTestServerName, .address = "127.0.0.1", .pins = {}};
    client_ = TlsStream::Connect(loop_, endpoint_, options_,
                                 *TlsSession::NewClient(trust_, identity, tickets_), client_at_);
  }
  void ConnectPair() {
    StartConnecting();
    RunUntil([&] { return client_at_.opens == 1 && (server_is_tcp_ || server_at_.opens == 1); });
  }
  void RunUntil(absl::FunctionRef<bool()> done) { ASSERT_TRUE(RunLoopUntil(loop_, done)); }
  void Write(TlsStream& stream, const std::string& text) {
    client_at_.in_call = server_at_.in_call = true;
    stream.Write(AsBytes(text));
    client_at_.in_call = server_at_.in_call = false;
  }
  // Replies to the client's handshake step by step. `cipher_text` gets the octets that the client
  // sends.
  void ServeByHand(std::string& cipher_text) {
    server_is_tcp_ = true;
    StartConnecting();
    session_ = *TlsSession::NewServer(credentials_);
    size_t fed = 0;
    RunUntil([&] {
      session_->Feed(AsBytes(server_at_.data.substr(fed)), [](Bytes) {});
      fed = server_at_.data.size();
      if (!session_->output().empty()) tcp_server_->Write(session_->output());
      session_->output().clear();
      return client_at_.opens == 1 && session_->state() == TlsSession::State::kOpen;
    });
    cipher_text = server_at_.data.substr(fed);
    server_at_.data.clear();
  }

  UvLoop loop_;
  TcpOptions options_;
  bool server_is_tcp_ = false;
  std::shared_ptr<const TlsClientCredentials> trust_ =
      *TlsClientCredentials::FromFile(GetTestCertificates().ca.certificate_file);
  std::shared_ptr<const TlsServerCredentials> credentials_;
  std::shared_ptr<TlsTicketStore> tickets_ = std::make_shared<TlsTicketStore>();
  StreamRecorder server_at_, client_at_;
  Endpoint endpoint_;  // The endpoint of the acceptor.
  std::unique_ptr<TcpAcceptor> acceptor_;
  std::unique_ptr<TlsStream> server_, client_;
  std::unique_ptr<TcpStream> tcp_server_;
  std::unique_ptr<TlsSession> session_;
};

TEST_F(TlsStreamTest, OctetsPassBothWays) {
  ConnectPair();
  Write(*client_, "query");
  RunUntil([&] { return server_at_.data == "query"; });
  Write(*server_, "response");
  RunUntil([&] { return client_at_.data == "response"; });
  EXPECT_EQ(client_->pending_write_bytes(), 0u);
}

TEST_F(TlsStreamTest, OctetsWrittenBeforeOpenAreSentOnceOpen) {
  StartConnecting();
  Write(*client_, "early ");
  Write(*client_, "words");
  client_->ShutdownWrite();
  EXPECT_EQ(client_->pending_write_bytes(), 11u);
  RunUntil([&] { return server_at_.eofs == 1; });
  EXPECT_EQ(server_at_.data, "early words");
}

TEST_F(TlsStreamTest, WritesOfOneTurnLeaveTogetherInSeparateRecords) {
  std::string cipher_text;
  ServeByHand(cipher_text);
  for (int i = 0; i < 10; ++i) Write(*client_, "0123456789");
  RunUntil([&] { return !server_at_.data.empty(); });
  loop_.RunOnce();
  int records = 0;
  for (Bytes left = AsBytes(server_at_.data); !left.empty(); ++records) {
    ASSERT_GT(left.size(), 5u);
    const size_t size = size_t{5} + LoadU16(&left[3]);
    ASSERT_LE(size, left.size());
    left.remove_prefix(size);
  }
  EXPECT_EQ(records, 10);
}

TEST_F(TlsStreamTest, LargeTransfersWorkInBothDirectionsAtOnce) {
  ConnectPair();
  std::string much(700'000, '\0');
  for (size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 31 >> 3);
  Write(*client_, much);
  Write(*server_, much);
  RunUntil([&] { return server_at_.data.size() + client_at_.data.size() >= 2 * much.size(); });
  EXPECT_EQ(server_at_.data, much);
  EXPECT_EQ(client_at_.data, much);
}

TEST_F(TlsStreamTest, SecondConnectionResumes) {
  ConnectPair();
  EXPECT_FALSE(client_->resumed());
  Write(*server_, "x");
  RunUntil([&] { return client_at_.data == "x"; });
  client_.reset();
  server_.reset();
  client_at_.opens = server_at_.opens = 0;
  client_at_.data.clear();
  ConnectPair();
  EXPECT_TRUE(client_->resumed());
  EXPECT_TRUE(server_->resumed());
}

TEST_F(TlsStreamTest, ServerWithAWrongNameIsRejectedWithAnAlert) {
  UseCertificate(GetTestCertificates().other_name);
  StartConnecting();
  Write(*client_, "secret");
  client_at_.on_event = [this] { loop_.DeferDelete(std::move(client_)); };
  RunUntil([&] { return server_at_.error != StreamError::kNone; });
  EXPECT_EQ(client_at_.error, StreamError::kTlsCertificate);
  EXPECT_THAT(client_at_.detail, HasSubstr(kTestServerName));
  EXPECT_EQ(client_at_.opens, 0);
  EXPECT_THAT(server_at_.detail, HasSubstr("alert"));
  EXPECT_EQ(server_at_.data, "");
}

TEST_F(TlsStreamTest, ServerWithoutTlsFailsTheHandshake) {
  server_is_tcp_ = true;
  StartConnecting();
  RunUntil([&] { return server_at_.opens == 1; });
  tcp_server_->Write(AsBytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
  RunUntil([&] { return client_at_.error != StreamError::kNone; });
  EXPECT_EQ(client_at_.error, StreamError::kTlsHandshake);
}

TEST_F(TlsStreamTest, EofDuringTheHandshakeFailsIt) {
  server_is_tcp_ = true;
  StartConnecting();
  RunUntil([&] { return !server_at_.data.empty(); });
  tcp_server_->ShutdownWrite();
  RunUntil([&] { return client_at_.error != StreamError::kNone; });
  EXPECT_EQ(client_at_.error, StreamError::kTlsHandshake);
  EXPECT_THAT(client_at_.detail, HasSubstr("closed"));
  EXPECT_EQ(client_at_.eofs, 0);
}

TEST_F(TlsStreamTest, RefusedConnectionIsReported) {
  StartConnecting();
  client_.reset();
  acceptor_.reset();
  client_ = TlsStream::Connect(loop_, endpoint_, options_, *TlsSession::NewServer(credentials_),
                               client_at_);
  RunUntil([&] { return client_at_.error != StreamError::kNone; });
  EXPECT_EQ(client_at_.error, StreamError::kConnectRefused);
}

TEST_F(TlsStreamTest, BadRecordFailsTheStream) {
  std::string cipher_text;
  ServeByHand(cipher_text);
  tcp_server_->Write(AsBytes(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x')));
  RunUntil([&] { return client_at_.error != StreamError::kNone; });
  EXPECT_EQ(client_at_.error, StreamError::kTlsProtocol);
  EXPECT_EQ(client_at_.data, "");
}

TEST_F(TlsStreamTest, FinWithoutCloseNotifyIsEof) {
  std::string cipher_text;
  ServeByHand(cipher_text);
  tcp_server_->ShutdownWrite();
  RunUntil([&] { return client_at_.eofs > 0; });
  EXPECT_EQ(client_at_.error, StreamError::kNone);
}

TEST_F(TlsStreamTest, ShutdownSendsQueuedOctetsThenCloseNotifyThenFin) {
  std::string cipher_text;
  ServeByHand(cipher_text);
  Write(*client_, "last query");
  client_->ShutdownWrite();
  RunUntil([&] { return server_at_.eofs == 1; });
  std::string plain_text;
  const TlsSession::State state =
      session_->Feed(AsBytes(cipher_text + server_at_.data), [&](Bytes octets) {
        plain_text.append(reinterpret_cast<const char*>(octets.data()), octets.size());
      });
  EXPECT_EQ(state, TlsSession::State::kPeerClosed);
  EXPECT_EQ(plain_text, "last query");
}

TEST_F(TlsStreamTest, OneDirectionContinuesAfterTheEndOfTheOther) {
  ConnectPair();
  Write(*client_, "last query");
  client_->ShutdownWrite();
  RunUntil([&] { return server_at_.eofs == 1; });
  EXPECT_EQ(server_at_.data, "last query");
  Write(*server_, "last response");
  server_->ShutdownWrite();
  RunUntil([&] { return client_at_.eofs == 1; });
  EXPECT_EQ(client_at_.data, "last response");
  for (int i = 0; i < 5; ++i) loop_.RunOnce();
  EXPECT_EQ(client_at_.eofs, 1);
  EXPECT_EQ(server_at_.eofs, 1);
  EXPECT_EQ(client_at_.error, StreamError::kNone);
}

TEST_F(TlsStreamTest, PausedStreamOpensAndDeliversNothingUntilResumed) {
  StartConnecting();
  RunUntil([&] { return server_ != nullptr; });
  server_->SetReadPaused(true);
  Write(*client_, "query");
  client_->ShutdownWrite();
  RunUntil([&] { return server_at_.opens == 1 && client_at_.opens == 1; });
  for (int i = 0; i < 5; ++i) loop_.RunOnce();
  EXPECT_EQ(server_at_.data, "");
  EXPECT_EQ(server_at_.eofs, 0);
  server_at_.in_call = true;
  server_->SetReadPaused(false);
  server_at_.in_call = false;
  RunUntil([&] { return server_at_.eofs == 1; });
  EXPECT_EQ(server_at_.data, "query");
}

TEST_F(TlsStreamTest, PausedStreamKeepsItsDecryptedOctets) {
  std::string cipher_text;
  ServeByHand(cipher_text);
  // OnStreamData() pauses when the end of the stream has already arrived.
  client_at_.on_event = [this] {
    if (client_ != nullptr) client_->SetReadPaused(true);
  };
  session_->Write(AsBytes("response"));
  session_->Close();
  tcp_server_->Write(session_->output());
  RunUntil([&] { return client_at_.data == "response"; });
  for (int i = 0; i < 5; ++i) loop_.RunOnce();
  EXPECT_EQ(client_at_.eofs, 0);
  client_at_.on_event = nullptr;
  client_->SetReadPaused(false);
  RunUntil([&] { return client_at_.eofs == 1; });
}

TEST_F(TlsStreamTest, PeerThatReadsAgainMakesTheStreamWritableOnce) {
  options_.write_marks = {.low = 1000, .high = 100'000, .limit = 64 << 20};
  ConnectPair();
  server_->SetReadPaused(true);
  std::string sent;
  while (client_->pending_write_bytes() < 200'000) {
    sent.append(50'000, 'x');
    Write(*client_, std::string(50'000, 'x'));
    loop_.RunOnce();
  }
  EXPECT_EQ(client_at_.writables, 0);
  EXPECT_GE(client_->refused_write_bytes(), 200'000u);
  server_->SetReadPaused(false);
  RunUntil([&] { return server_at_.data.size() == sent.size(); });
  EXPECT_EQ(client_->refused_write_bytes(), 0u);
  Write(*client_, "more");
  RunUntil([&] { return server_at_.data.size() == sent.size() + 4; });
  EXPECT_EQ(client_at_.writables, 1);
  EXPECT_EQ(client_->pending_write_bytes(), 0u);
}

TEST_F(TlsStreamTest, PeerThatNeverReadsFailsTheStreamAtTheLimit) {
  options_.write_marks = {.low = 1000, .high = 10'000, .limit = 100'000};
  ConnectPair();
  server_->SetReadPaused(true);
  while (client_at_.error == StreamError::kNone) {
    Write(*client_, std::string(50'000, 'x'));
    EXPECT_LE(client_->pending_write_bytes(), 110'000u);
    loop_.RunOnce();
  }
  EXPECT_EQ(client_at_.error, StreamError::kWriteOverflow);
}

TEST_F(TlsStreamTest, WriteLimitAlsoAppliesBeforeOpen) {
  options_.write_marks = {.low = 10, .high = 100, .limit = 1000};
  StartConnecting();
  Write(*client_, std::string(1000, 'x'));
  Write(*client_, "x");
  Write(*client_, "x");
  RunUntil([&] { return client_at_.error != StreamError::kNone; });
  EXPECT_EQ(client_at_.error, StreamError::kWriteOverflow);
  EXPECT_THAT(client_at_.detail, HasSubstr("1001 octets"));
}

TEST_F(TlsStreamTest, StreamMayBeDeferDeletedInAnyCallback) {
  for (const int events_before : {0, 1, 2}) {
    client_at_ = StreamRecorder();
    server_at_ = StreamRecorder();
    client_at_.on_event = [this, left = events_before]() mutable {
      if (left-- == 0) loop_.DeferDelete(std::move(client_));
    };
    StartConnecting();
    RunUntil([&] { return server_at_.opens == 1; });
    Write(*server_, "response");
    server_->ShutdownWrite();
    RunUntil([&] { return client_ == nullptr; });
    for (int i = 0; i < 5; ++i) loop_.RunOnce();
    server_.reset();
  }
}

TEST_F(TlsStreamTest, StreamMayBeDestroyedInAnyTurn) {
  for (int turns = 0; turns < 12; ++turns) {
    client_at_ = StreamRecorder();
    server_at_ = StreamRecorder();
    StartConnecting();
    Write(*client_, "query");
    for (int i = 0; i < turns; ++i) loop_.RunOnce();
    client_.reset();
    for (int i = 0; i < 5; ++i) loop_.RunOnce();
    server_.reset();
  }
}

}  // namespace
}  // namespace dotcache
