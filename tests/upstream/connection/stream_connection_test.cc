// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/stream_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "dns/edns.h"
#include "dns/message_header.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/boot_clock.h"
#include "net/unique_fd.h"
#include "tests/support/loopback_dot_server.h"
#include "tests/support/message_builder.h"
#include "tests/support/run_loop.h"
#include "tests/support/test_certificates.h"
#include "tests/upstream/connection/recording_observer.h"
#include "upstream/connection/socket_connector.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

UpstreamQuery QueryFor(const std::string& name) {
  UpstreamQuery query;
  query.question = {*DomainName::FromText(name), QType::kA, QClass::kIn};
  return query;
}

std::vector<DotAction> Reply(WireMessage message) { return {{.octets = std::move(message)}}; }
std::vector<DotAction> Raw(WireMessage octets) {
  return {{.kind = DotAction::Kind::kRaw, .octets = std::move(octets)}};
}
std::vector<DotAction> Do(DotAction::Kind kind) { return {{.kind = kind}}; }

// The message with an OPT that carries this option.
WireMessage WithOption(WireMessage message, EdnsOption code, WireMessage data) {
  const WireMessage opt =
      MessageBuilder().Opt({.options = {{static_cast<uint16_t>(code), std::move(data)}}}).Build();
  message.insert(message.end(), opt.begin() + kHeaderSize, opt.end());
  StoreU16(&message[10], 1);
  return message;
}

// The options of the OPT that ends a query: code and size of the data.
std::map<uint16_t, size_t> OptionsOf(const WireMessage& query, size_t qname_size) {
  std::map<uint16_t, size_t> options;
  size_t at = kHeaderSize + qname_size + 4 + kOptFixedSize;
  while (at + 4 <= query.size()) {
    options[LoadU16(&query[at])] = LoadU16(&query[at + 2]);
    at += size_t{4} + LoadU16(&query[at + 2]);
  }
  EXPECT_EQ(at, query.size());
  return options;
}

// The boot clock, which a test can put forward.
Duration later{0};
UvLoop::BootClock NewClock() {
  later = Duration(0);
  return [] { return BootTime() + later; };
}

// A real server on loopback and connections to it.
class StreamConnectionTest : public testing::Test, protected Connection::Delegate {
 protected:
  StreamConnectionTest() {
    credentials_ = *TlsClientCredentials::FromFile(GetTestCertificates().ca.certificate_file);
    options_.identity.authentication_name = kTestServerName;
    options_.identity.address = "127.0.0.1";
  }

  void Serve(LoopbackDotServer::Options options) {
    server_ = std::make_unique<LoopbackDotServer>(std::move(options));
  }
  template <typename Handler>  // A braced list is then always of Options.
  void Serve(Handler handler) {
    Serve(LoopbackDotServer::Options{.handler = std::move(handler)});
  }
  void AnswerLate() {
    Serve([](const DotQuery& query) {
      return std::vector<DotAction>{{.octets = AnswerTo(query.wire), .delay = Milliseconds(20)}};
    });
  }

  void Connect() {
    if (server_ == nullptr) Serve(AnswerEverything());
    Connect(server_->endpoint());
  }

  void Connect(const Endpoint& endpoint) {
    options_.endpoint = endpoint;
    if (connector_ == nullptr) {
      connector_ = std::make_unique<SocketConnector>(loop_, limits_,
                                                     SocketConnector::Credentials{credentials_});
      connector_->Observe(observer_);
    }
    ready_ = 0;
    closed_ = false;
    connection_ = connector_->Connect(options_, 0, *this);
  }

  void Send(AttemptId attempt, const std::string& name = "www.example.com") {
    tickets_[attempt] = connection_->Send(QueryFor(name), attempt);
  }

  bool RunUntil(absl::FunctionRef<bool()> done) { return RunLoopUntil(loop_, done); }
  bool RunUntilReady() {
    return RunUntil([this] { return ready_ > 0 || closed_; }) && ready_ > 0;
  }
  bool RunUntilClosed() {
    return RunUntil([this] { return closed_; });
  }
  bool RunUntilResults(size_t count) {
    return RunUntil([this, count] { return answers_.size() + failures_.size() >= count; });
  }

  void OnConnectionReady(Connection&, bool resumed, Duration) override {
    ++ready_;
    resumed_ = resumed;
  }
  void OnAttemptResult(Connection&, AttemptId attempt, AttemptResult result, Duration) override {
    if (std::holds_alternative<UpstreamResponse>(result)) {
      answers_.push_back(attempt);
      last_response_ = std::get<UpstreamResponse>(std::move(result));
    } else {
      failures_[attempt] = std::get<UpstreamFailure>(result);
    }
  }
  void OnLateResult(Connection&, const AttemptResult&, Duration) override { ++late_results_; }
  void OnSignOfLife(Connection&) override { ++signs_of_life_; }
  void OnMismatch(Connection&, std::optional<AttemptId> attempt) override {
    ++mismatches_;
    if (attempt.has_value()) meant_.push_back(*attempt);
  }
  void OnConnectionClosed(Connection&, Connection::End end) override {
    EXPECT_FALSE(closed_);
    closed_ = true;
    failure_ = end.failure;
    graceful_ = end.graceful;
    detail_ = end.detail;
    lost_ = std::move(end.lost);
    lost_.insert(lost_.end(), end.not_sent.begin(), end.not_sent.end());
    last_received_at_close_ = connection_->last_received();
    expiry_at_close_ = connection_->certificate_expiry();
    loop_.DeferDelete(std::move(connection_));
  }

  UvLoop loop_{NewClock()};
  UpstreamLimits limits_;
  UpstreamServerOptions options_;
  std::shared_ptr<const TlsClientCredentials> credentials_;
  std::unique_ptr<LoopbackDotServer> server_;
  RecordingObserver observer_;
  std::unique_ptr<SocketConnector> connector_;
  std::unique_ptr<Connection> connection_;

  int ready_ = 0;
  bool resumed_ = false;
  std::vector<AttemptId> answers_;
  UpstreamResponse last_response_;
  std::map<AttemptId, UpstreamFailure> failures_;
  std::map<AttemptId, AttemptTicket> tickets_;
  int mismatches_ = 0;
  std::vector<AttemptId> meant_;  // By those.
  int late_results_ = 0;
  int signs_of_life_ = 0;
  bool closed_ = false;
  UpstreamFailure failure_ = UpstreamFailure::kTimeout;
  bool graceful_ = false;
  std::string detail_;
  std::vector<AttemptId> lost_;
  MonoTime last_received_at_close_;
  int64_t expiry_at_close_ = 0;
};

TEST_F(StreamConnectionTest, AQuerySentWhileConnectingIsAnswered) {
  Connect();
  EXPECT_FALSE(connection_->ready());
  Send(7);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_TRUE(connection_->ready());
  EXPECT_THAT(answers_, ElementsAre(7));
  EXPECT_EQ(last_response_.facts.kind, ResponseKind::kAnswer);
  EXPECT_EQ(connection_->in_flight(), 0);
}

TEST_F(StreamConnectionTest, QueriesArePaddedAndCarryNothingButKeepalive) {
  Connect();
  for (AttemptId attempt = 0; attempt < 60; ++attempt) {
    Send(attempt, std::string(attempt + 1, 'x') + ".example.com");
  }
  ASSERT_TRUE(RunUntilResults(60));
  for (const WireMessage& query : server_->query_octets()) {
    EXPECT_EQ(query.size() % 128, 0u);
    const size_t qname_size = size_t{query[kHeaderSize]} + 1 + 13;
    const auto options = OptionsOf(query, qname_size);
    EXPECT_EQ(options.size(), 2u);  // No client subnet, no cookie.
    EXPECT_EQ(options.at(static_cast<uint16_t>(EdnsOption::kTcpKeepalive)), 0u);
    EXPECT_EQ(options.count(static_cast<uint16_t>(EdnsOption::kPadding)), 1u);
  }
}

TEST_F(StreamConnectionTest, MessageIdsInFlightAreAllDifferentAndInNoOrder) {
  Serve([](const DotQuery&) { return std::vector<DotAction>(); });
  Connect();
  for (AttemptId attempt = 0; attempt < 200; ++attempt) Send(attempt);
  ASSERT_TRUE(RunUntil([this] { return server_->queries() == 200; }));
  std::set<uint16_t> ids;
  int ascending = 0;
  uint16_t last = 0;
  for (const WireMessage& query : server_->query_octets()) {
    const uint16_t id = LoadU16(query.data());
    EXPECT_TRUE(ids.insert(id).second);
    ascending += id > last ? 1 : 0;
    last = id;
  }
  EXPECT_GT(ascending, 60);
  EXPECT_LT(ascending, 140);
}

TEST_F(StreamConnectionTest, ResponsesMayComeInAnyOrder) {
  // The first two wait for the third.
  Serve([held = std::vector<DotAction>()](const DotQuery& query) mutable {
    held.insert(held.begin(), {.octets = AnswerTo(query.wire)});
    return held.size() < 3 ? std::vector<DotAction>() : held;
  });
  Connect();
  Send(1, "a.example.com");
  Send(2, "b.example.com");
  Send(3, "c.example.com");
  ASSERT_TRUE(RunUntilResults(3));
  EXPECT_THAT(answers_, ElementsAre(3, 2, 1));
  EXPECT_EQ(mismatches_, 0);
}

TEST_F(StreamConnectionTest, AnObservedQueryIsShownWhenItIsSentWithItsResponse) {
  Serve([](const DotQuery& query) { return Reply(ErrorTo(query.wire, Rcode::kServFail)); });
  Connect();
  UpstreamQuery query = QueryFor("a.example.com");
  query.observed = true;
  connection_->Send(query, 1);
  Send(2, "b.example.com");  // Is not observed.
  EXPECT_THAT(observer_.seen, IsEmpty());
  ASSERT_TRUE(RunUntilResults(2));
  EXPECT_THAT(observer_.What(),
              ElementsAre("query dot a.example.com.", "response dot a.example.com."));
  EXPECT_EQ(observer_.seen[0].wire, server_->query_octets()[0]);
  EXPECT_EQ(observer_.seen[0].server, options_.endpoint);
  EXPECT_EQ(observer_.seen[1].sent, observer_.seen[0].sent);
  const AttemptTicket ticket = connection_->Send(query, 3);
  EXPECT_EQ(observer_.seen.size(), 3u);
  connection_->Forget(ticket);
  ASSERT_TRUE(RunUntil([this] { return late_results_ == 1; }));
  EXPECT_EQ(observer_.seen.size(), 4u);
}

TEST_F(StreamConnectionTest, AQueryThatIsNotSentIsNotObserved) {
  Serve({.certificate = GetTestCertificates().other_name});
  Connect();
  UpstreamQuery query = QueryFor("a.example.com");
  query.observed = true;
  connection_->Send(query, 1);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_THAT(observer_.seen, IsEmpty());
}

TEST_F(StreamConnectionTest, AWrongNameGetsNoQueryOctet) {
  Serve({.certificate = GetTestCertificates().other_name});
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kCertificate);
  EXPECT_FALSE(graceful_);
  EXPECT_NE(detail_, "");
  EXPECT_THAT(lost_, ElementsAre(1));
  ASSERT_TRUE(server_->WaitForNoConnection());
  EXPECT_EQ(server_->plain_octets(), 0);
}

TEST_F(StreamConnectionTest, ExpiredAndUntrustedCertificatesGetNoQueryOctet) {
  for (const TestCertificate& certificate :
       {GetTestCertificates().expired, GetTestCertificates().untrusted,
        GetTestCertificates().self_signed}) {
    Serve({.certificate = certificate});
    Connect();
    Send(1);
    ASSERT_TRUE(RunUntilClosed());
    EXPECT_EQ(failure_, UpstreamFailure::kCertificate);
    ASSERT_TRUE(server_->WaitForNoConnection());
    EXPECT_EQ(server_->plain_octets(), 0);
  }
}

TEST_F(StreamConnectionTest, AClosedPortIsConnectRefused) {
  Serve(AnswerEverything());
  server_->Stop();
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kConnectRefused);
  EXPECT_THAT(lost_, ElementsAre(1));
}

TEST_F(StreamConnectionTest, WithoutDescriptorsOfOurOwnTheServerIsNotBlamed) {
  Serve(AnswerEverything());
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  Connect();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  Send(1);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kOutOfResources);
  EXPECT_THAT(lost_, ElementsAre(1));
}

TEST_F(StreamConnectionTest, AStalledHandshakeTimesOut) {
  Serve({.stall_handshake = true});
  limits_.connect_timeout = Milliseconds(50);
  Connect();
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kTlsTimeout);
  EXPECT_THAT(detail_, HasSubstr("no answer to the TLS ClientHello within 50 ms "
                                 "(upstream-connect-timeout): is port"));
  EXPECT_THAT(detail_, HasSubstr("a DNS port without TLS?"));
}

TEST_F(StreamConnectionTest, AnUnfinishedHandshakeNamesTheLimit) {
  Serve({.first_octets = "\x16\x03\x03"});  // The header of a record begins.
  limits_.connect_timeout = Milliseconds(50);
  Connect();
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kTlsTimeout);
  EXPECT_EQ(detail_,
            "the TLS handshake was not finished within 50 ms (upstream-connect-timeout): raise the "
            "limit for a slow server");
}

// A listener with a full backlog drops the SYN.
TEST_F(StreamConnectionTest, AnUnansweredConnectIsNotATlsFailure) {
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(listen(listener.get(), 0), 0);  // On 127.0.0.1 and all other addresses.
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
  const UniqueFd other(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(other.get(), reinterpret_cast<sockaddr*>(&bound), size), 0);
  limits_.connect_timeout = Milliseconds(50);
  Connect(*Endpoint::Parse(absl::StrCat("127.0.0.1:", ntohs(bound.sin_port))));
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kConnectTimeout);
  EXPECT_THAT(detail_, HasSubstr("no answer to the TCP connect within 50 ms "
                                 "(upstream-connect-timeout): is the address right"));
}

TEST_F(StreamConnectionTest, AnAnswerInClearTextIsNamed) {
  Serve({.first_octets = std::string("\x00\x0c\x00\x00\x80\x01", 6)});  // FORMERR begins.
  Connect();
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kTlsHandshake);
  EXPECT_THAT(detail_, HasSubstr("answered in clear text: is this a DNS port without TLS?"));
}

TEST_F(StreamConnectionTest, AFailedHandshakeWithoutANameHintsAtIt) {
  Serve({.needs_name = true});
  Connect();
  ASSERT_TRUE(RunUntilReady());
  options_.identity.authentication_name.clear();
  connector_.reset();
  Connect();
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kTlsHandshake);
  EXPECT_THAT(detail_, HasSubstr("no name was sent (SNI)"));
}

// Many TLS terminators offer h2 and http/1.1 only.
TEST_F(StreamConnectionTest, AServerWithAnotherProtocolIsConnectedToWithoutAlpnFromThenOn) {
  Serve({.alpn = "h2", .alpn_mandatory = true});
  for (AttemptId attempt = 1; attempt <= 2; ++attempt) {
    Connect();
    Send(attempt);
    ASSERT_TRUE(RunUntilResults(attempt));
    EXPECT_FALSE(closed_);
    loop_.DeferDelete(std::move(connection_));
  }
  EXPECT_THAT(answers_, ElementsAre(1, 2));
  EXPECT_EQ(server_->connections(), 3);
  EXPECT_EQ(server_->queries(), 2);
}

TEST_F(StreamConnectionTest, QueriesThatWaitForAHandshakeWithoutAlpnKeepTheirBits) {
  Serve({.alpn = "h2", .alpn_mandatory = true});
  Connect();
  UpstreamQuery query = QueryFor("www.example.com");
  query.dnssec_ok = true;
  query.checking_disabled = true;
  connection_->Send(query, 1);
  ASSERT_TRUE(RunUntilResults(1));
  const WireMessage sent = server_->query_octets().at(0);
  EXPECT_TRUE(LoadHeader(sent).Has(kFlagCd));
  std::vector<uint8_t> expected(kMaxUpstreamQuerySize);
  expected.resize(BuildUpstreamQuery(query, LoadU16(sent.data()), {}, absl::MakeSpan(expected)));
  EXPECT_EQ(Bytes(sent), Bytes(expected));
}

TEST_F(StreamConnectionTest, AFailedConnectDoesNotChangeTheUseOfAlpn) {
  Serve({.alpn = "h2", .alpn_mandatory = true});
  Connect();
  ASSERT_TRUE(RunUntilReady());
  server_->Stop();
  Connect(server_->endpoint());
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kConnectRefused);
  server_->Start();
  Connect();
  ASSERT_TRUE(RunUntilReady());
  EXPECT_EQ(server_->connections(), 3);
}

TEST_F(StreamConnectionTest, TheExpiryOfTheCertificateIsKnownFromAFullHandshake) {
  Connect();
  ASSERT_TRUE(RunUntilReady());
  EXPECT_GT(connection_->certificate_expiry(), UnixTime());
  options_.identity.authentication_name = "other.example";
  connector_.reset();
  Connect();
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kCertificate);
  EXPECT_GT(expiry_at_close_, UnixTime());
}

// A server that shares no ticket key with the one before it, and breaks off instead of going on.
TEST_F(StreamConnectionTest, AServerThatBreaksOffForATicketGetsAFullHandshakeAtOnce) {
  Serve({.break_off_resumption = true});
  for (AttemptId attempt = 1; attempt <= 2; ++attempt) {
    Connect();
    Send(attempt);
    ASSERT_TRUE(RunUntilResults(attempt));
    EXPECT_FALSE(closed_);
    EXPECT_FALSE(resumed_);
  }
  EXPECT_THAT(answers_, ElementsAre(1, 2));
  EXPECT_EQ(server_->connections(), 3);
  EXPECT_EQ(server_->queries(), 2);
}

TEST_F(StreamConnectionTest, AHandshakeCutShortIsATlsFailure) {
  Serve({.stall_handshake = true});
  Connect();
  ASSERT_TRUE(RunUntil([this] { return server_->connections() == 1; }));
  server_->CloseConnections();
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kTlsHandshake);
  EXPECT_THAT(detail_, HasSubstr("without an answer to the ClientHello"));
}

TEST_F(StreamConnectionTest, AWrongIdIsDroppedAndTheGoodAnswerTaken) {
  Serve([](const DotQuery& query) {
    WireMessage wrong = AnswerTo(query.wire, "192.0.2.66");
    wrong[0] ^= 0x55;
    return std::vector<DotAction>{{.octets = wrong}, {.octets = AnswerTo(query.wire)}};
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_EQ(mismatches_, 1);
  EXPECT_EQ(last_response_.wire.back(), 1);  // 192.0.2.1.
}

TEST_F(StreamConnectionTest, AWrongQuestionIsDroppedAndTheGoodAnswerTaken) {
  Serve([](const DotQuery& query) {
    WireMessage wrong = AnswerTo(query.wire, "192.0.2.66");
    wrong[kHeaderSize + 1] ^= 0x01;
    WireMessage no_response = AnswerTo(query.wire, "192.0.2.66");
    no_response[2] &= 0x7f;  // QR = 0.
    return std::vector<DotAction>{
        {.octets = wrong}, {.octets = no_response}, {.octets = AnswerTo(query.wire)}};
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_EQ(mismatches_, 2);
  EXPECT_EQ(last_response_.wire.back(), 1);
}

TEST_F(StreamConnectionTest, AfterThreeMessagesThatAreNotOursItTakesNoQueryAndLosesNone) {
  Serve([](const DotQuery& query) {
    WireMessage wrong = AnswerTo(query.wire);
    wrong[0] ^= 0x55;
    std::vector<DotAction> actions(3, {.octets = wrong});
    actions.push_back({.octets = AnswerTo(query.wire), .delay = Milliseconds(20)});
    return actions;
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntil([this] { return mismatches_ == 3; }));
  EXPECT_TRUE(connection_->draining());
  EXPECT_FALSE(connection_->HasRoom());
  EXPECT_THAT(meant_, ElementsAre(1, 1, 1));  // By its question.
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_EQ(failure_, UpstreamFailure::kConnectionLost);
  EXPECT_FALSE(graceful_);
  EXPECT_TRUE(lost_.empty());
}

TEST_F(StreamConnectionTest, TheHundredthMessageThatIsNotOursEndsTheConnection) {
  Serve([](const DotQuery& query) {
    WireMessage wrong = AnswerTo(query.wire);
    wrong[kHeaderSize + 1] ^= 0x01;
    return std::vector<DotAction>(100, {.octets = wrong});
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(mismatches_, 100);
  EXPECT_THAT(meant_, testing::Each(1));  // By its message ID.
  EXPECT_FALSE(graceful_);
  EXPECT_THAT(lost_, ElementsAre(1));
}

TEST_F(StreamConnectionTest, HalfAMessageThatAnswersNothingEndsTheConnection) {
  Serve([](const DotQuery& query) {
    std::vector<DotAction> actions = Reply(AnswerTo(query.wire));
    actions.push_back({.kind = DotAction::Kind::kRaw, .octets = {0xde, 0xad, 0xbe, 0xef}});
    return actions;
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_EQ(mismatches_, 1);
  EXPECT_TRUE(graceful_);
}

TEST_F(StreamConnectionTest, GivenUpItLosesWhatIsInFlight) {
  Serve([](const DotQuery&) { return std::vector<DotAction>{}; });
  Connect();
  Send(1);
  connection_->CloseSoon();
  EXPECT_FALSE(connection_->HasRoom());
  EXPECT_FALSE(closed_);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_TRUE(graceful_);  // We ended it: nothing to hold against the server.
  EXPECT_THAT(lost_, ElementsAre(1));
}

TEST_F(StreamConnectionTest, OnlyTheAttemptFailsWhoseResponseIsUseless) {
  Serve([](const DotQuery& query) {
    WireMessage answer = AnswerTo(query.wire);
    if (query.number == 0) answer.resize(answer.size() - 1);  // RDATA cut.
    if (query.number == 1) answer[2] |= 0x02;                 // TC.
    if (query.number == 2) answer[2 + 1] = 0x82, answer.resize(kHeaderSize);
    if (query.number == 2) StoreU16(&answer[4], 0), StoreU16(&answer[6], 0);
    return Reply(answer);
  });
  Connect();
  for (AttemptId attempt = 1; attempt <= 4; ++attempt) Send(attempt);
  ASSERT_TRUE(RunUntilResults(4));
  EXPECT_EQ(failures_.at(1), UpstreamFailure::kMalformed);
  EXPECT_EQ(failures_.at(2), UpstreamFailure::kTruncated);
  EXPECT_THAT(answers_, ElementsAre(3, 4));  // A header alone is an error of the server.
  EXPECT_FALSE(closed_);
}

TEST_F(StreamConnectionTest, AReferralIsNoAnswer) {
  Serve([](const DotQuery& query) {
    WireMessage referral = ErrorTo(query.wire, Rcode::kNoError);
    const WireMessage authority =
        MessageBuilder()
            .Authority({.owner = "example.com", .type = QType::kNs, .rdata = NameRdata("ns.test")})
            .Build();
    referral.insert(referral.end(), authority.begin() + kHeaderSize, authority.end());
    StoreU16(&referral[8], 1);
    return Reply(referral);
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_EQ(failures_.at(1), UpstreamFailure::kNotAnAnswer);
}

TEST_F(StreamConnectionTest, AnErrorResponseIsAResponse) {
  Serve([](const DotQuery& query) { return Reply(ErrorTo(query.wire, Rcode::kRefused)); });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_EQ(last_response_.facts.rcode, Rcode::kRefused);
}

TEST_F(StreamConnectionTest, WhatHasNoWholeHeaderIsDroppedAndTheGoodAnswerTaken) {
  Serve([](const DotQuery& query) {
    std::vector<DotAction> actions = Raw({0, 0});
    actions.push_back({.octets = {1, 2, 3}});
    actions.push_back({.octets = AnswerTo(query.wire)});
    return actions;
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_EQ(mismatches_, 2);
}

TEST_F(StreamConnectionTest, HalfAMessageThenACloseLosesWhatWasInFlight) {
  Serve([](const DotQuery& query) {
    std::vector<DotAction> actions = Raw({0, 100, query.wire[0], query.wire[1], 0x80});
    actions.push_back({.kind = DotAction::Kind::kClose});
    return actions;
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kConnectionLost);
  EXPECT_FALSE(graceful_);
  EXPECT_THAT(detail_, HasSubstr("middle of a message"));
  EXPECT_THAT(lost_, ElementsAre(1));
}

TEST_F(StreamConnectionTest, ACloseOrResetLosesWhatWasInFlight) {
  for (const DotAction::Kind kind : {DotAction::Kind::kClose, DotAction::Kind::kReset}) {
    Serve([kind](const DotQuery&) { return Do(kind); });
    Connect();
    Send(1);
    ASSERT_TRUE(RunUntilClosed());
    EXPECT_EQ(failure_, UpstreamFailure::kConnectionLost);
    EXPECT_FALSE(graceful_);
    EXPECT_THAT(lost_, ElementsAre(1));
  }
}

TEST_F(StreamConnectionTest, ACloseOrResetOfAnIdleConnectionIsGraceful) {
  for (const bool reset : {false, true}) {
    Serve(AnswerEverything());
    Connect();
    Send(1);
    ASSERT_TRUE(RunUntilReady() && RunUntil([this] { return connection_->in_flight() == 0; }));
    reset ? server_->ResetConnections() : server_->CloseConnections();
    ASSERT_TRUE(RunUntilClosed());
    EXPECT_TRUE(graceful_);
    EXPECT_THAT(lost_, IsEmpty());
  }
}

TEST_F(StreamConnectionTest, AnIdleConnectionIsClosed) {
  limits_.idle_timeout = Milliseconds(20);
  Connect();
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(ready_, 1);
  EXPECT_TRUE(graceful_);
  EXPECT_TRUE(server_->WaitForNoConnection());
}

TEST_F(StreamConnectionTest, TheServersIdleTimeoutCountsWhenItIsShorter) {
  Serve([](const DotQuery& query) {
    return Reply(WithOption(AnswerTo(query.wire), EdnsOption::kTcpKeepalive, {0, 1}));
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilClosed());  // After 100 ms, not 30 s.
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_TRUE(graceful_);
}

TEST_F(StreamConnectionTest, TheServersIdleTimeoutCountsInALateAnswerToo) {
  Serve([](const DotQuery& query) {
    return Reply(WithOption(AnswerTo(query.wire), EdnsOption::kTcpKeepalive, {0, 1}));
  });
  Connect();
  ASSERT_TRUE(RunUntilReady());
  Send(1);
  connection_->Forget(tickets_.at(1));
  ASSERT_TRUE(RunUntilClosed());  // After 100 ms, not 30 s.
  EXPECT_EQ(late_results_, 1);
  EXPECT_EQ(detail_, "idle");
}

TEST_F(StreamConnectionTest, AfterTheServerClosedAnIdleConnectionTheNextIsClosedHereFirst) {
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  server_->CloseConnections();
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_THAT(detail_, HasSubstr("closed by the server"));
  Connect();
  Send(2);
  ASSERT_TRUE(RunUntilClosed());  // After 100 ms or little more, not 30 s.
  EXPECT_EQ(detail_, "idle");
  EXPECT_THAT(answers_, ElementsAre(1, 2));
}

TEST_F(StreamConnectionTest, AKeepaliveOfZeroDrains) {
  Serve([](const DotQuery& query) {
    std::vector<DotAction> actions =
        Reply(WithOption(AnswerTo(query.wire), EdnsOption::kTcpKeepalive, {0, 0}));
    actions[0].delay = Milliseconds(30 * query.number);
    return actions;
  });
  Connect();
  Send(1);
  Send(2);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_FALSE(connection_->HasRoom());
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_THAT(answers_, ElementsAre(1, 2));
  EXPECT_TRUE(graceful_);
}

TEST_F(StreamConnectionTest, AnOldConnectionDrains) {
  limits_.tuning.max_connection_age = Seconds(0);
  Connect();
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(ready_, 1);
  EXPECT_TRUE(graceful_);
}

TEST_F(StreamConnectionTest, OneThatGrowsOldWithAQueryInFlightAnswersItAndTakesNoOther) {
  AnswerLate();
  Connect();
  ASSERT_TRUE(RunUntilReady());
  Send(1);
  EXPECT_TRUE(connection_->HasRoom());
  later = limits_.tuning.max_connection_age;
  EXPECT_FALSE(connection_->HasRoom());
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_THAT(lost_, IsEmpty());
  EXPECT_TRUE(graceful_);
}

// Else all servers would be without a connection at the same moment.
TEST_F(StreamConnectionTest, ThoseOpenedTogetherDoNotEndTogether) {
  Connect();
  ASSERT_TRUE(RunUntilReady());
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < 8; ++i) connections.push_back(connector_->Connect(options_, 0, *this));
  const Duration age = limits_.tuning.max_connection_age;
  const auto aged = [&] {
    return std::ranges::count_if(connections, [](const auto& c) { return !c->HasRoom(); });
  };
  later = age * 3 / 4 - Seconds(30);
  EXPECT_EQ(aged(), 0);
  std::set<ptrdiff_t> counts;
  for (; later <= age; later += Seconds(1)) counts.insert(aged());
  EXPECT_GT(counts.size(), 3U);
  EXPECT_EQ(aged(), 8);
}

TEST_F(StreamConnectionTest, TicketsAreForTheAddressThatGaveThem) {
  Serve(LoopbackDotServer::Options{.handler = AnswerEverything(), .everywhere = true});
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  std::vector<bool> resumed;
  for (const char* address : {"127.0.0.1", "127.0.0.2"}) {
    options_.endpoint = *Endpoint::Parse(address, server_->endpoint().port());
    ready_ = 0;
    connection_ = connector_->Connect(options_, 0, *this);
    ASSERT_TRUE(RunUntilReady());
    Send(2 + resumed.size());  // Its answer comes behind the ticket.
    resumed.push_back(resumed_);
    ASSERT_TRUE(RunUntilResults(1 + resumed.size()));
  }
  EXPECT_THAT(resumed, ElementsAre(true, false));
}

TEST_F(StreamConnectionTest, TicketsAreForTheNameThatWasProved) {
  connector_ = std::make_unique<SocketConnector>(
      loop_, limits_, SocketConnector::Credentials{credentials_, credentials_});
  Connect();
  Send(1);  // Its answer comes behind the ticket.
  ASSERT_TRUE(RunUntilResults(1));
  options_.identity.authentication_name = "other.example";
  ready_ = 0;
  connection_ = connector_->Connect(options_, 1, *this);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(ready_, 0);
  EXPECT_EQ(failure_, UpstreamFailure::kCertificate);
}

TEST_F(StreamConnectionTest, TheKernelGivesUpWhatTheServerDoesNotAcknowledge) {
  Connect();
  ASSERT_TRUE(RunUntilReady());
  int found = 0;
  for (int fd = 3; fd < 1024; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (ntohs(peer.sin_port) != server_->endpoint().port()) continue;
    unsigned int timeout_ms = 0;
    socklen_t length = sizeof timeout_ms;
    ASSERT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, &length), 0);
    EXPECT_EQ(Milliseconds(timeout_ms), 2 * limits_.tuning.max_attempt_timeout);
    ++found;
  }
  EXPECT_EQ(found, 1);
}

TEST_F(StreamConnectionTest, ThereIsRoomUpToTheLimit) {
  Serve([](const DotQuery&) { return std::vector<DotAction>(); });
  limits_.tuning.max_in_flight_per_connection = 3;
  Connect();
  for (AttemptId attempt = 1; attempt <= 3; ++attempt) {
    EXPECT_TRUE(connection_->HasRoom());
    Send(attempt);
  }
  EXPECT_FALSE(connection_->HasRoom());
  EXPECT_EQ(connection_->in_flight(), 3);
}

TEST_F(StreamConnectionTest, AForgottenAttemptIsDroppedSilentlyAndItsAnswerSeen) {
  Serve([](const DotQuery& query) {
    return std::vector<DotAction>{
        {.octets = AnswerTo(query.wire), .delay = Milliseconds(20 * (1 - query.number))}};
  });
  Connect();
  Send(1);
  Send(2);
  connection_->Forget(tickets_.at(1));
  EXPECT_EQ(connection_->in_flight(), 1);
  ASSERT_TRUE(RunUntilResults(1));
  ASSERT_TRUE(RunUntil([this] { return late_results_ == 1; }));
  EXPECT_THAT(answers_, ElementsAre(2));
  EXPECT_EQ(mismatches_, 0);
}

// A length that lies swallows every message after it: the connection is as good as silent.
TEST_F(StreamConnectionTest, OctetsThatMakeNoMessageAreNoSignOfLife) {
  Serve([](const DotQuery& query) {
    std::vector<DotAction> actions = Raw({0xff, 0xff});
    actions.push_back({.octets = AnswerTo(query.wire)});
    actions.push_back({.kind = DotAction::Kind::kClose});
    return actions;
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(last_received_at_close_, MonoTime());
}

TEST_F(StreamConnectionTest, TooManyUnansweredForgottenQueriesDrainTheConnection) {
  Serve([](const DotQuery&) { return std::vector<DotAction>(); });
  limits_.tuning.max_in_flight_per_connection = 9000;
  limits_.tuning.max_write_backlog_bytes = 4 << 20;
  Connect();
  constexpr AttemptId kMany = 8193;
  for (AttemptId attempt = 1; attempt <= kMany; ++attempt) Send(attempt);
  ASSERT_TRUE(RunUntilReady());
  for (AttemptId attempt = 1; attempt < kMany; ++attempt) connection_->Forget(tickets_.at(attempt));
  EXPECT_TRUE(connection_->HasRoom());
  connection_->Forget(tickets_.at(kMany));
  EXPECT_FALSE(connection_->HasRoom());
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_TRUE(graceful_);
}

TEST_F(StreamConnectionTest, WhatIsOverdueOrForgottenTakesNoPlace) {
  Serve([](const DotQuery&) { return std::vector<DotAction>(); });
  limits_.tuning.max_in_flight_per_connection = 2;
  Connect();
  Send(1);
  Send(2);
  EXPECT_FALSE(connection_->HasRoom());
  connection_->NoteOverdue(tickets_.at(1));
  connection_->NoteOverdue(tickets_.at(1));
  EXPECT_TRUE(connection_->HasRoom());
  Send(3);
  EXPECT_FALSE(connection_->HasRoom());
  connection_->Forget(tickets_.at(1));
  EXPECT_FALSE(connection_->HasRoom());
  connection_->Forget(tickets_.at(2));
  EXPECT_TRUE(connection_->HasRoom());
  EXPECT_EQ(connection_->in_flight(), 1);
}

TEST_F(StreamConnectionTest, AnOverdueQueryIsStillAnsweredAndLeavesNoTrace) {
  limits_.tuning.max_in_flight_per_connection = 1;
  Connect();
  Send(1);
  connection_->NoteOverdue(tickets_.at(1));
  Send(2, "other.example.com");
  ASSERT_TRUE(RunUntilResults(2));
  EXPECT_THAT(answers_, UnorderedElementsAre(1, 2));
  Send(3);
  EXPECT_FALSE(connection_->HasRoom());
}

TEST_F(StreamConnectionTest, AServerGivesARequestedSignOfLife) {
  Serve([](const DotQuery& query) {
    const bool is_root = query.wire[kHeaderSize] == 0;
    return is_root ? Reply(AnswerTo(query.wire)) : std::vector<DotAction>();
  });
  Connect();
  Send(1);
  connection_->AskForSignOfLife(
      Question{DomainName(), QType::kNs});  // Too early: there is no connection yet.
  ASSERT_TRUE(RunUntilReady());
  connection_->AskForSignOfLife(Question{DomainName(), QType::kNs});
  ASSERT_TRUE(RunUntil([this] { return signs_of_life_ > 0; }));
  EXPECT_NE(connection_->last_received(), MonoTime());
  EXPECT_EQ(connection_->in_flight(), 1);
  EXPECT_EQ(server_->query_octets().size(), 2u);
}

// RFC 8446 appendix C.4.
TEST_F(StreamConnectionTest, NoSessionIsResumedFromAnotherNetwork) {
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  server_->CloseConnections();
  ASSERT_TRUE(RunUntilClosed());
  connector_->ForgetTickets(0);
  Connect();
  Send(2);
  ASSERT_TRUE(RunUntilResults(2));
  EXPECT_FALSE(resumed_);
}

TEST_F(StreamConnectionTest, TheNextConnectionResumesTheSession) {
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_FALSE(resumed_);
  server_->CloseConnections();
  ASSERT_TRUE(RunUntilClosed());
  Connect();
  Send(2);
  ASSERT_TRUE(RunUntilResults(2));
  EXPECT_TRUE(resumed_);
  EXPECT_EQ(server_->resumptions(), 1);
}

// Also when the ticket comes only after the credentials are others.
TEST_F(StreamConnectionTest, NoSessionOfBeforeIsResumedWithOtherCredentials) {
  for (const bool ticket_first : {true, false}) {
    answers_.clear();
    Connect();
    if (!ticket_first) connector_->UseCredentials(0, credentials_);
    Send(1);
    ASSERT_TRUE(RunUntilResults(1));
    if (ticket_first) connector_->UseCredentials(0, credentials_);
    server_->CloseConnections();
    ASSERT_TRUE(RunUntilClosed());
    Connect();
    Send(2);
    ASSERT_TRUE(RunUntilResults(2));
    EXPECT_FALSE(resumed_);
    server_->CloseConnections();
    ASSERT_TRUE(RunUntilClosed());
    connector_->UseCredentials(0, credentials_);
  }
  EXPECT_EQ(server_->resumptions(), 0);
}

TEST_F(StreamConnectionTest, ConnectionsToComeAreMadeWithTheNewCredentials) {
  Connect();
  ASSERT_TRUE(RunUntilReady());
  const TestCertificates& all = GetTestCertificates();
  connector_->UseCredentials(0, *TlsClientCredentials::FromFile(all.untrusted.certificate_file));
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_THAT(answers_, ElementsAre(1));
  server_->CloseConnections();
  ASSERT_TRUE(RunUntilClosed());
  Connect();
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kCertificate);
}

TEST_F(StreamConnectionTest, ARetiredConnectionTakesNoQueryAndClosesWhenItsLastIsAnswered) {
  AnswerLate();
  Connect();
  ASSERT_TRUE(RunUntilReady());
  Send(1);
  connection_->Drain();
  EXPECT_FALSE(connection_->HasRoom());
  EXPECT_TRUE(connection_->draining());
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_TRUE(graceful_);
  Connect();
  ASSERT_TRUE(RunUntilReady());
  connection_->Drain();  // Idle: closes in a later turn.
  EXPECT_FALSE(closed_);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_TRUE(graceful_);
}

TEST_F(StreamConnectionTest, AConnectionRetiredWhileItConnectsAnswersWhatItHas) {
  Connect();
  Send(1);
  connection_->Drain();
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_TRUE(graceful_);
}

TEST_F(StreamConnectionTest, AServerThatRefusesOurCertificateIsAFailureOfItsOwn) {
  const TestCertificates& all = GetTestCertificates();
  Serve(LoopbackDotServer::Options{.client_ca_file = all.ca.certificate_file});
  for (const auto& [shown, cause] : {std::pair(TestCertificate(), "require a client certificate"),
                                     std::pair(all.self_signed, "refuses our certificate")}) {
    credentials_ = *TlsClientCredentials::Load({.ca = all.ca.certificate_file,
                                                .certificate = shown.certificate_file,
                                                .key = shown.key_file,
                                                .pins = ""});
    connector_.reset();
    Connect();
    ASSERT_TRUE(RunUntilClosed());
    EXPECT_EQ(failure_, UpstreamFailure::kClientCertificate);
    EXPECT_FALSE(graceful_);
    EXPECT_THAT(detail_, HasSubstr(cause));
  }
  credentials_ = *TlsClientCredentials::Load({.ca = all.ca.certificate_file,
                                              .certificate = all.client.certificate_file,
                                              .key = all.client.key_file,
                                              .pins = ""});
  connector_->UseCredentials(0, credentials_);
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_THAT(answers_, ElementsAre(1));
}

TEST_F(StreamConnectionTest, AServerThatRequestsACertificateAndClosesRefusesIt) {
  for (const bool asked : {false, true}) {
    Serve(LoopbackDotServer::Options{.tickets = false,
                                     .alerts = false,
                                     .client_ca_file = GetTestCertificates().ca.certificate_file});
    connector_.reset();
    Connect();
    if (asked) Send(1);
    ASSERT_TRUE(RunUntilClosed());
    EXPECT_EQ(failure_, UpstreamFailure::kClientCertificate);
    EXPECT_FALSE(graceful_);
    EXPECT_THAT(detail_, HasSubstr("asked for a client certificate"));
  }
}

TEST_F(StreamConnectionTest, DestroyingAConnectionCallsNoDelegate) {
  Connect();
  Send(1);
  connection_.reset();
  ASSERT_TRUE(server_->WaitForNoConnection());
  loop_.RunOnce();
  EXPECT_EQ(ready_, 0);
  EXPECT_FALSE(closed_);
}

TEST_F(StreamConnectionTest, AnAnswerLargerThanARecordIsTaken) {
  Serve([](const DotQuery& query) {
    WireMessage answer = AnswerTo(query.wire);
    const WireMessage first(answer.end() - 16, answer.end());
    uint16_t count = 1;
    while (answer.size() + 16 <= 65535) {
      answer.insert(answer.end(), first.begin(), first.end());
      answer[answer.size() - 2] = static_cast<uint8_t>(count >> 8);
      answer[answer.size() - 1] = static_cast<uint8_t>(count);
      ++count;
    }
    StoreU16(&answer[6], count);
    return Reply(answer);
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_GT(last_response_.wire.size(), 65500u);
}

}  // namespace
}  // namespace dotcache
