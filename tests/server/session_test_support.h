// SPDX-License-Identifier: Apache-2.0
// Client connections without sockets, for the tests of TcpSession and SessionTable.
#ifndef DOTCACHE_TESTS_SERVER_SESSION_TEST_SUPPORT_H_
#define DOTCACHE_TESTS_SERVER_SESSION_TEST_SUPPORT_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "answer/query_handler.h"
#include "dns/stream_framer.h"
#include "gtest/gtest.h"
#include "server/session_table.h"
#include "tests/answer/handler_test_support.h"
#include "tests/support/fake_exchanger.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {

// A ByteStream that records what is written. The record outlives the stream.
class FakeStream : public ByteStream {
 public:
  struct State {
    WireMessage written;
    size_t pending_write_bytes = 0;  // Set by the test.
    bool shut_down = false;
    bool read_paused = false;
    bool destroyed = false;
  };

  explicit FakeStream(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~FakeStream() override { state_->destroyed = true; }

  void Write(Bytes data) override {
    EXPECT_FALSE(state_->shut_down);
    state_->written.insert(state_->written.end(), data.begin(), data.end());
  }
  void ShutdownWrite() override { state_->shut_down = true; }
  void SetReadPaused(bool paused) override { state_->read_paused = paused; }
  size_t pending_write_bytes() const override { return state_->pending_write_bytes; }
  size_t refused_write_bytes() const override { return state_->pending_write_bytes; }

 private:
  const std::shared_ptr<State> state_;
};

// The client's end of a connection.
class FakeClient {
 public:
  // `session` is null if the table had no room.
  explicit FakeClient(TcpSession* session) : session_(session) {
    if (session_ == nullptr) return;
    session_->Serve(std::make_unique<FakeStream>(state_));
  }

  bool accepted() const { return session_ != nullptr; }
  bool closed() const { return state_->destroyed; }
  FakeStream::State& stream() { return *state_; }

  // REQUIRES: not closed().
  void SendOctets(Bytes octets) { session_->stream_delegate().OnStreamData(octets); }
  void Send(const WireMessage& message) { SendOctets(Framed({message})); }
  // Reports the progress of a TLS handshake as the stream does.
  void Handshake(size_t received, bool answered) {
    session_->stream_delegate().OnStreamHandshake(received, answered);
  }
  void FinishHandshake() { session_->stream_delegate().OnStreamOpen(); }
  void SendEof() { session_->stream_delegate().OnStreamEof(); }
  void TellWritable() { session_->stream_delegate().OnStreamWritable(); }
  void Break() { session_->stream_delegate().OnStreamError(StreamError::kReset, "reset"); }
  void Drain() { session_->Drain(); }

  // The message IDs of all replies so far.
  std::vector<uint16_t> ReplyIds() const {
    std::vector<uint16_t> ids;
    for (const ParsedMessage& reply : Replies()) ids.push_back(reply.header.id);
    return ids;
  }
  std::vector<ParsedMessage> Replies() const {
    std::vector<ParsedMessage> replies;
    StreamFramer framer;
    framer.Feed(state_->written);
    while (const std::optional<Bytes> message = framer.Next()) {
      replies.push_back(ParsedMessage::Parse(*message));
    }
    EXPECT_FALSE(framer.mid_message());
    return replies;
  }

 private:
  TcpSession* const session_;
  const std::shared_ptr<FakeStream::State> state_ = std::make_shared<FakeStream::State>();
};

// A session table with a real handler. The test plays the upstream servers.
class SessionTest : public testing::Test {
 protected:
  // REQUIRES: `limits_` is not changed afterwards.
  FakeClient Connect(Transport transport = Transport::kTcp) {
    return Connect("127.0.0.1", transport);
  }
  FakeClient Connect(const std::string& address, Transport transport = Transport::kTcp) {
    if (table_ == nullptr) {
      if (shares_ == nullptr)
        shares_ = std::make_shared<StreamShares>(limits_.max_streams_per_client);
      table_ = std::make_unique<SessionTable>(loop_, limits_, counters_, *shares_);
      handler_ = std::make_unique<QueryHandler>(QueryHandler::Environment{
          loop_, cache_, &exchanger_, access_, nullptr, counters_, limits_});
      table_->set_handler(*handler_);
    }
    return FakeClient(table_->NewSession(transport, *Endpoint::ParseAddress(address, 4711)));
  }

  // Returns a query with a name of its own, and the upstream response to it.
  static WireMessage Query(uint16_t id) { return MakeQuery(NameOf(id), QType::kA, id); }
  // Returns the framed queries with IDs 1 to `count`.
  static WireMessage FramedQueries(uint16_t count) {
    std::vector<WireMessage> queries;
    for (uint16_t id = 1; id <= count; ++id) queries.push_back(Query(id));
    return Framed(queries);
  }
  void Answer(size_t call) {
    const Question& question = exchanger_.calls().at(call).query.question;
    const std::string name = question.qname.ToString();
    exchanger_.Respond(call, MakeResponse(name, QType::kA, {ARecord(name, 300, "192.0.2.1")}));
    loop_.RunUntilIdle();
  }
  static std::string NameOf(uint16_t id) { return absl::StrCat("n", id, ".example.com"); }

  SimulatedLoop loop_;
  ResponseCache cache_{SmallCache(), HashSeed{1, 2}};
  FakeExchanger exchanger_;
  const AccessPolicy access_{PrivatePrefixes()};
  WorkerCounters counters_;
  ServerLimits limits_;
  std::shared_ptr<StreamShares> shares_;  // Made by the first Connect(), if it is null.
  std::unique_ptr<SessionTable> table_;
  std::unique_ptr<QueryHandler> handler_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SERVER_SESSION_TEST_SUPPORT_H_
