// SPDX-License-Identifier: Apache-2.0
#include "net/tls/tls_session.h"

#include <gmock/gmock.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "tests/support/octets.h"
#include "tests/support/test_certificates.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using State = TlsSession::State;

std::shared_ptr<const TlsClientCredentials> Trust() {
  auto trust = TlsClientCredentials::FromFile(GetTestCertificates().ca.certificate_file);
  EXPECT_TRUE(trust.ok()) << trust.status();
  return *std::move(trust);
}

std::shared_ptr<const TlsServerCredentials> Serve(const TestCertificate& files) {
  auto credentials = TlsServerCredentials::FromFiles(files.certificate_file, files.key_file);
  EXPECT_TRUE(credentials.ok()) << credentials.status();
  return *std::move(credentials);
}

TlsPeerIdentity Named(const std::string& name = kTestServerName) {
  return {.authentication_name = name, .address = "192.0.2.53", .pins = {}};
}

TlsPeerIdentity Addressed(const std::string& address) {
  return {.authentication_name = "", .address = address, .pins = {}};
}

TlsPeerIdentity Pinned(TlsPeerIdentity identity, const TestCertificate& certificate) {
  auto pin = SpkiPin::Parse(certificate.spki_pin);
  EXPECT_TRUE(pin.ok()) << pin.status();
  identity.pins.push_back(*pin);
  return identity;
}

// One end of a connection in memory, with the octets that it received.
struct End {
  std::unique_ptr<TlsSession> session;
  std::string received = {};

  State Feed(Bytes octets) {
    return session->Feed(octets, [this](Bytes plain) {
      received.append(reinterpret_cast<const char*>(plain.data()), plain.size());
    });
  }
  WireMessage TakeOutput() {
    WireMessage output;
    output.swap(session->output());
    return output;
  }
};

End NewClient(std::shared_ptr<const TlsClientCredentials> trust, const TlsPeerIdentity& identity,
              std::shared_ptr<TlsTicketStore> tickets = nullptr) {
  auto session = TlsSession::NewClient(std::move(trust), identity, std::move(tickets));
  EXPECT_TRUE(session.ok()) << session.status();
  return {*std::move(session)};
}

End NewServer(std::shared_ptr<const TlsServerCredentials> credentials) {
  auto session = TlsSession::NewServer(std::move(credentials));
  EXPECT_TRUE(session.ok()) << session.status();
  return {*std::move(session)};
}

// Passes octets in both directions, at most `piece` at a time, until both ends have none to send.
void Exchange(End& client, End& server, size_t piece = SIZE_MAX) {
  if (client.session->state() == State::kHandshaking) client.Feed({});
  for (bool is_moving = true; is_moving;) {
    is_moving = false;
    for (auto [from, to] : {std::pair(&client, &server), std::pair(&server, &client)}) {
      const WireMessage output = from->TakeOutput();
      for (size_t at = 0; at < output.size(); at += piece) {
        to->Feed(Bytes(output).subspan(at, piece));
        is_moving = true;
      }
    }
  }
}

struct Pair {
  End client, server;
};

// Both ends after the handshake.
Pair Connect(std::shared_ptr<const TlsServerCredentials> credentials,
             std::shared_ptr<TlsTicketStore> tickets = nullptr, size_t piece = SIZE_MAX) {
  Pair pair{NewClient(Trust(), Named(), std::move(tickets)), NewServer(std::move(credentials))};
  Exchange(pair.client, pair.server, piece);
  return pair;
}
Pair Connect(const TestCertificate& files = GetTestCertificates().server) {
  return Connect(Serve(files));
}

// The result of a client for a server with this certificate.
struct Verdict {
  State state;
  StreamError error;
  std::string detail;
};

Verdict Judge(const TestCertificate& files, const TlsPeerIdentity& identity) {
  const auto trust = Trust();
  const auto credentials = Serve(files);
  End client = NewClient(trust, identity);
  End server = NewServer(credentials);
  Exchange(client, server);
  return {client.session->state(), client.session->error(), client.session->error_detail()};
}

void ExpectAccepted(const TestCertificate& files, const TlsPeerIdentity& identity) {
  const Verdict verdict = Judge(files, identity);
  EXPECT_EQ(verdict.state, State::kOpen) << verdict.detail;
}

void ExpectRefused(const TestCertificate& files, const TlsPeerIdentity& identity,
                   const std::string& reason) {
  const Verdict verdict = Judge(files, identity);
  EXPECT_EQ(verdict.state, State::kFailed);
  EXPECT_EQ(verdict.error, StreamError::kTlsCertificate);
  EXPECT_THAT(verdict.detail, HasSubstr(reason));
}

TEST(TlsSessionTest, PassesOctetsInBothDirections) {
  auto [client, server] = Connect();
  ASSERT_EQ(client.session->state(), State::kOpen) << client.session->error_detail();
  ASSERT_EQ(server.session->state(), State::kOpen) << server.session->error_detail();
  client.session->Write(AsBytes("query"));
  server.session->Write(AsBytes("response"));
  Exchange(client, server);
  EXPECT_EQ(server.received, "query");
  EXPECT_EQ(client.received, "response");
}

TEST(TlsSessionTest, AcceptsTheRightName) {
  ExpectAccepted(GetTestCertificates().name_only, Named());
  ExpectAccepted(GetTestCertificates().by_intermediate, Named());
  ExpectAccepted(GetTestCertificates().wildcard, Named());
  ExpectAccepted(GetTestCertificates().server, Named("DNS.Example.NET."));
}

TEST(TlsSessionTest, RejectsAWrongName) {
  ExpectRefused(GetTestCertificates().other_name, Named(), "does not match");
  ExpectRefused(GetTestCertificates().server, Named("example.net"), "example.net");
  ExpectRefused(GetTestCertificates().wildcard, Named("a.b.example.net"), "does not match");
  ExpectRefused(GetTestCertificates().wildcard, Named("example.net"), "does not match");
}

TEST(TlsSessionTest, RejectsANameThatIsOnlyACommonName) {
  ExpectRefused(GetTestCertificates().common_name_only, Named(), "no DNS name");
  ExpectRefused(GetTestCertificates().address_only, Named(), "does not match");
}

TEST(TlsSessionTest, RejectsAnExpiredCertificate) {
  ExpectRefused(GetTestCertificates().expired, Named(), "expired");
}

TEST(TlsSessionTest, RejectsACertificateThatIsNotYetValid) {
  ExpectRefused(GetTestCertificates().not_yet_valid, Named(), "not yet");
}

TEST(TlsSessionTest, RejectsACertificateForTlsClients) {
  ExpectRefused(GetTestCertificates().wrong_purpose, Named(), "purpose");
}

TEST(TlsSessionTest, RejectsAnUntrustedIssuer) {
  ExpectRefused(GetTestCertificates().untrusted, Named(), "issuer is unknown");
  ExpectRefused(GetTestCertificates().self_signed, Named(), "issuer is unknown");
}

TEST(TlsSessionTest, WithoutANameTheAddressMustBeInTheCertificate) {
  ExpectAccepted(GetTestCertificates().server, Addressed("127.0.0.1"));
  ExpectAccepted(GetTestCertificates().server, Addressed("::1"));
  ExpectAccepted(GetTestCertificates().server, Addressed("::1%lo"));
  ExpectAccepted(GetTestCertificates().address_only, Addressed("127.0.0.1"));
}

TEST(TlsSessionTest, WithoutANameRejectsACertificateWithoutTheAddress) {
  ExpectRefused(GetTestCertificates().name_only, Addressed("127.0.0.1"), "127.0.0.1");
  ExpectRefused(GetTestCertificates().other_name, Addressed("127.0.0.1"), "does not match");
  ExpectRefused(GetTestCertificates().server, Addressed("127.0.0.2"), "does not match");
  ExpectRefused(GetTestCertificates().server, Addressed("::2"), "does not match");
}

TEST(TlsSessionTest, AcceptsAPinOfTheServerOrOfAnIssuer) {
  const TestCertificates& all = GetTestCertificates();
  ExpectAccepted(all.server, Pinned(Named(), all.server));
  ExpectAccepted(all.server, Pinned(Named(), all.ca));
  ExpectAccepted(all.by_intermediate, Pinned(Named(), all.intermediate));
  ExpectAccepted(all.by_intermediate, Pinned(Named(), all.ca));
  ExpectAccepted(all.server, Pinned(Pinned(Named(), all.name_only), all.server));
}

TEST(TlsSessionTest, RejectsATrustedCertificateWithoutThePin) {
  const TestCertificates& all = GetTestCertificates();
  ExpectRefused(all.server, Pinned(Named(), all.name_only), "matches a pin");
  ExpectRefused(all.server, Pinned(Named(), all.intermediate), "matches a pin");
}

TEST(TlsSessionTest, PinDoesNotReplaceTheNameOfATrustedCertificate) {
  const TestCertificates& all = GetTestCertificates();
  ExpectRefused(all.other_name, Pinned(Named(), all.other_name), "does not match");
  ExpectRefused(all.expired, Pinned(Named(), all.expired), "expired");
  ExpectRefused(all.common_name_only, Pinned(Named(), all.common_name_only), "no DNS name");
}

TEST(TlsSessionTest, UntrustedServerKeyMustMatchAPin) {
  const TestCertificates& all = GetTestCertificates();
  ExpectAccepted(all.self_signed, Pinned(Named(), all.self_signed));
  ExpectAccepted(all.self_signed, Pinned(Addressed("192.0.2.53"), all.self_signed));
  ExpectAccepted(all.expired_self_signed, Pinned(Named(), all.expired_self_signed));
  ExpectAccepted(all.untrusted, Pinned(Named(), all.untrusted));
  ExpectRefused(all.self_signed, Pinned(Named(), all.server),
                "Its key does not match a pin either");
  ExpectRefused(all.untrusted, Pinned(Named(), all.ca), "Its key does not match a pin either");
}

TEST(TlsSessionTest, RejectsShortRsaKeysAndCertificatesWithSha1) {
  const TestCertificates& all = GetTestCertificates();
  ExpectAccepted(all.rsa_2048, Named());
  ExpectRefused(all.rsa_1024, Named(), "an RSA key has 1024 bits, and 2048 are required");
  ExpectRefused(all.rsa_1024, Pinned(Named(), all.rsa_1024), "1024 bits");
  ExpectRefused(all.rsa_1024_self_signed, Pinned(Named(), all.rsa_1024_self_signed), "1024 bits");
  ExpectRefused(all.signed_with_sha1, Named(), "a signature uses SHA-1");
}

TEST(TlsSessionTest, LegacyCryptoAcceptsThemAndStillAuthenticates) {
  const TestCertificates& all = GetTestCertificates();
  TlsPeerIdentity identity = Named();
  identity.legacy_crypto = true;
  ExpectAccepted(all.rsa_1024, identity);
  ExpectAccepted(all.signed_with_sha1, identity);
  ExpectAccepted(all.rsa_1024_self_signed, Pinned(identity, all.rsa_1024_self_signed));
  ExpectRefused(all.rsa_1024_self_signed, identity, "expected a certificate for");
  ExpectRefused(all.other_name, identity, "does not match");
}

TEST(TlsSessionTest, InsecureAcceptsAnyCertificate) {
  const TestCertificates& all = GetTestCertificates();
  TlsPeerIdentity identity = Pinned(Named("other.invalid"), all.ca);
  identity.insecure = true;
  for (const TestCertificate* files : {&all.self_signed, &all.expired, &all.other_name}) {
    ExpectAccepted(*files, identity);
  }
}

TEST(TlsSessionTest, RejectedServerGetsAnAlertAndNoData) {
  auto [client, server] = Connect(GetTestCertificates().other_name);
  EXPECT_EQ(server.session->state(), State::kFailed);
  EXPECT_THAT(server.session->error_detail(), HasSubstr("alert"));
  EXPECT_EQ(server.received, "");
}

TEST(TlsSessionTest, InvalidIdentityIsRejectedBeforeTheHandshake) {
  for (const TlsPeerIdentity& identity : {Addressed(""), Addressed("dns"), Named("192.0.2.1")}) {
    EXPECT_EQ(TlsSession::NewClient(Trust(), identity, nullptr).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST(TlsSessionTest, AnySplitOfTheStreamGivesTheSameOctets) {
  const auto credentials = Serve(GetTestCertificates().server);
  for (const size_t piece : {1, 2, 3, 5, 7, 100, 1000}) {
    const auto tickets = std::make_shared<TlsTicketStore>();
    for (const bool resumed : {false, true}) {
      auto [client, server] = Connect(credentials, tickets, piece);
      ASSERT_EQ(client.session->state(), State::kOpen) << client.session->error_detail();
      EXPECT_EQ(client.session->resumed(), resumed);
      for (const char* text : {"one", "two", "three"}) client.session->Write(AsBytes(text));
      Exchange(client, server, piece);
      EXPECT_EQ(server.received, "onetwothree");
    }
  }
}

TEST(TlsSessionTest, WriteLargerThanARecordIsSplit) {
  auto [client, server] = Connect();
  std::string large(200'000, '\0');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 >> 3);
  client.session->Write(AsBytes(large));
  Exchange(client, server, 1500);
  EXPECT_EQ(server.received, large);
}

TEST(TlsSessionTest, OneWriteIsOneRecord) {
  auto [client, server] = Connect();
  client.session->Write(AsBytes(std::string(16384, 'x')));
  const WireMessage output = client.TakeOutput();
  ASSERT_GT(output.size(), 5u);
  EXPECT_EQ(LoadU16(&output[3]), output.size() - 5);
}

TEST(TlsSessionTest, ResumesOnceWithTheTicketOfAnEarlierSession) {
  const auto credentials = Serve(GetTestCertificates().server);
  const auto tickets = std::make_shared<TlsTicketStore>();
  for (const bool resumed : {false, true, true}) {
    auto [client, server] = Connect(credentials, tickets);
    ASSERT_EQ(client.session->state(), State::kOpen) << client.session->error_detail();
    EXPECT_EQ(client.session->resumed(), resumed);
    EXPECT_EQ(server.session->resumed(), resumed);
  }
  EXPECT_NE(tickets->Take().session_data, "");
  EXPECT_EQ(tickets->Take().session_data, "");
}

TEST(TlsSessionTest, TicketOfAnotherServerCausesAFullHandshake) {
  const auto tickets = std::make_shared<TlsTicketStore>();
  for (int i = 0; i < 2; ++i) {
    const auto credentials = Serve(GetTestCertificates().server);
    auto [client, server] = Connect(credentials, tickets);
    ASSERT_EQ(client.session->state(), State::kOpen) << client.session->error_detail();
    EXPECT_FALSE(client.session->resumed());
  }
}

TEST(TlsSessionTest, MalformedTicketCausesAFullHandshake) {
  const auto credentials = Serve(GetTestCertificates().server);
  const auto tickets = std::make_shared<TlsTicketStore>();
  for (const char* text : {"x", "this is not session data"}) {
    tickets->Put({text, tickets->Now() + Seconds(60)});
    auto [client, server] = Connect(credentials, tickets);
    EXPECT_EQ(client.session->state(), State::kOpen) << client.session->error_detail();
    EXPECT_FALSE(client.session->resumed());
    while (!tickets->Take().session_data.empty()) continue;
  }
}

TEST(TlsSessionTest, RejectedServerLeavesNoTicket) {
  const auto credentials = Serve(GetTestCertificates().other_name);
  const auto tickets = std::make_shared<TlsTicketStore>();
  auto [client, server] = Connect(credentials, tickets);
  EXPECT_EQ(tickets->Take().session_data, "");
}

MonoTime test_now;
MonoTime TestNow() { return test_now; }

// The certificate must be verified again each day, even if the session was resumed in between.
TEST(TlsSessionTest, NoSessionIsResumedADayAfterItsFullHandshake) {
  const auto credentials = Serve(GetTestCertificates().server);
  const auto tickets = std::make_shared<TlsTicketStore>(&TestNow);
  const std::vector<std::pair<int, bool>> steps = {{0, false}, {15, true}, {23, true}, {24, false}};
  for (const auto& [hours, resumed] : steps) {
    test_now = MonoTime(std::chrono::hours(1000 + hours));
    auto [client, server] = Connect(credentials, tickets);
    ASSERT_EQ(client.session->state(), State::kOpen) << client.session->error_detail();
    EXPECT_EQ(client.session->resumed(), resumed) << hours;
  }
}

TEST(TlsSessionTest, PeerMayStillWriteAfterClose) {
  auto [client, server] = Connect();
  client.session->Write(AsBytes("last query"));
  client.session->Close();
  Exchange(client, server);
  EXPECT_EQ(server.received, "last query");
  EXPECT_EQ(server.session->state(), State::kPeerClosed);
  EXPECT_EQ(server.session->Write(AsBytes("last response")), State::kPeerClosed);
  Exchange(client, server);
  EXPECT_EQ(client.received, "last response");
}

TEST(TlsSessionTest, ChangedOctetAfterTheHandshakeFailsTheSession) {
  auto [client, server] = Connect();
  client.session->Write(AsBytes("query"));
  WireMessage output = client.TakeOutput();
  output.back() ^= 1;
  EXPECT_EQ(server.Feed(output), State::kFailed);
  EXPECT_EQ(server.session->error(), StreamError::kTlsProtocol);
  EXPECT_NE(server.session->error_detail(), "");
  EXPECT_EQ(server.received, "");
}

TEST(TlsSessionTest, GarbageInsteadOfAHandshakeFailsTheSession) {
  const auto credentials = Serve(GetTestCertificates().server);
  const std::string data_too_early("\x17\x03\x03\x00\x05query", 10);
  for (const std::string& garbage : {std::string("GET / HTTP/1.1\r\n\r\n"), data_too_early}) {
    End client = NewClient(Trust(), Named());
    End server = NewServer(credentials);
    client.Feed({});
    EXPECT_EQ(client.Feed(AsBytes(garbage)), State::kFailed);
    EXPECT_EQ(client.session->error(), StreamError::kTlsHandshake);
    EXPECT_EQ(server.Feed(AsBytes(garbage)), State::kFailed);
    EXPECT_EQ(server.session->error(), StreamError::kTlsHandshake);
    EXPECT_NE(server.session->error_detail(), "");
  }
}

TEST(TlsSessionTest, EndlessHandshakeMessageFailsTheSession) {
  const auto credentials = Serve(GetTestCertificates().server);
  End server = NewServer(credentials);
  server.Feed(AsBytes(std::string("\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9)));
  const std::string record = std::string("\x16\x03\x01\x10\x00", 5) + std::string(4096, 'x');
  for (int i = 0; i < 17; ++i) server.Feed(AsBytes(record));
  EXPECT_EQ(server.session->state(), State::kFailed);
  EXPECT_EQ(server.session->error(), StreamError::kTlsHandshake);
  EXPECT_THAT(server.session->error_detail(), HasSubstr("octets without application data"));
}

// A hello of 16 KiB is far larger than any real one, and each octet of it is buffered.
TEST(TlsSessionTest, ServerBuffersAtMost16KibOfAHandshake) {
  const auto credentials = Serve(GetTestCertificates().server);
  const std::string record = std::string("\x16\x03\x01\x10\x00", 5) + std::string(4096, 'x');
  const std::string first = std::string("\x16\x03\x01\x00\x04\x01\x00\xea\x60", 9);
  for (const bool at_once : {false, true}) {
    End server = NewServer(credentials);
    server.Feed(AsBytes(first));
    for (int i = 0; i < 3; ++i) server.Feed(AsBytes(record));
    EXPECT_EQ(server.session->state(), State::kHandshaking);
    server.Feed(AsBytes(at_once ? record + record : record));
    EXPECT_EQ(server.session->state(), State::kFailed);
    EXPECT_THAT(server.session->error_detail(), HasSubstr("more than 16384 octets"));
  }
}

// Random octets of handshake messages are changed. At least one end must fail such a session.
TEST(TlsSessionTest, EveryChangeOfTheFirstFlightsIsDetected) {
  const auto credentials = Serve(GetTestCertificates().server);
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    End client = NewClient(Trust(), Named());
    End server = NewServer(credentials);
    const auto change = static_cast<uint8_t>(1 + random() % 255);
    client.Feed({});
    WireMessage first = client.TakeOutput();
    // After the record header, because its version is not checked.
    if (round % 2 == 0) first[5 + random() % (first.size() - 5)] ^= change;
    server.Feed(first);
    WireMessage second = server.TakeOutput();
    // Counted from the end, where the flight is encrypted.
    if (round % 2 == 1) second[second.size() - 1 - random() % 400] ^= change;
    client.Feed(second);
    Exchange(client, server);
    EXPECT_FALSE(client.session->state() == State::kOpen && server.session->state() == State::kOpen)
        << round;
  }
}

TEST(TlsSessionTest, FailedSessionStaysFailed) {
  const auto credentials = Serve(GetTestCertificates().server);
  End server = NewServer(credentials);
  server.Feed(AsBytes("this is not TLS"));
  const std::string detail = server.session->error_detail();
  server.session->Close();
  EXPECT_EQ(server.Feed(AsBytes("nor is this")), State::kFailed);
  EXPECT_EQ(server.session->error_detail(), detail);
}

// A GnuTLS session with settings that TlsSession does not offer.
class RawPeer {
 public:
  RawPeer(unsigned role, const char* priority, const TestCertificate& files) {
    gnutls_certificate_allocate_credentials(&credentials_);
    UseAllCertificatesOf(files);
    gnutls_init(&session_, role | GNUTLS_NONBLOCK);
    EXPECT_EQ(gnutls_priority_set_direct(session_, priority, nullptr), 0);
    gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_);
    gnutls_transport_set_ptr(session_, this);
    gnutls_transport_set_pull_function(session_, &RawPeer::Pull);
    gnutls_transport_set_push_function(session_, &RawPeer::Push);
    gnutls_transport_set_pull_timeout_function(session_,
                                               [](gnutls_transport_ptr_t, unsigned) { return 1; });
    gnutls_handshake_set_timeout(session_, 0);
  }
  ~RawPeer() {
    gnutls_deinit(session_);
    gnutls_certificate_free_credentials(credentials_);
  }

  void Offer(std::string protocol) {
    const gnutls_datum_t name = {reinterpret_cast<unsigned char*>(protocol.data()),
                                 static_cast<unsigned>(protocol.size())};
    gnutls_alpn_set_protocols(session_, &name, 1, 0);
  }
  std::string SelectedProtocol() {
    gnutls_datum_t name{};
    if (gnutls_alpn_get_selected_protocol(session_, &name) != 0) return "";
    return std::string(reinterpret_cast<char*>(name.data), name.size);
  }
  std::string ServerName() {
    std::string name(256, '\0');
    size_t size = name.size();
    unsigned type = 0;
    if (gnutls_server_name_get(session_, name.data(), &size, &type, 0) != 0) return "";
    return name.c_str();
  }

  // Continues the handshake and passes octets to and from `other` until both have none to send.
  int Handshake(End& other) {
    int code = GNUTLS_E_AGAIN;
    if (other.session->state() == State::kHandshaking) other.Feed({});
    for (int turn = 0; turn < 10; ++turn) {
      const WireMessage in = other.TakeOutput();
      input_.insert(input_.end(), in.begin(), in.end());
      if (code < 0 && gnutls_error_is_fatal(code) == 0) code = gnutls_handshake(session_);
      WireMessage out;
      out.swap(output_);
      other.Feed(out);
    }
    return code;
  }

  // Requires a certificate of this CA.
  void RequireCertificate(const std::string& ca_file) {
    EXPECT_GT(
        gnutls_certificate_set_x509_trust_file(credentials_, ca_file.c_str(), GNUTLS_X509_FMT_PEM),
        0);
    gnutls_certificate_server_set_request(session_, GNUTLS_CERT_REQUIRE);
    gnutls_session_set_verify_cert(session_, nullptr, 0);
  }
  // The result of the handshake. The other end reads the alert.
  void Refuse(int code, End& other) {
    gnutls_alert_send_appropriate(session_, code);
    WireMessage out;
    out.swap(output_);
    other.Feed(out);
  }

  gnutls_session_t session() { return session_; }
  WireMessage& output() { return output_; }

 private:
  // Also sends a certificate outside the chain. Other ways of loading would drop it.
  void UseAllCertificatesOf(const TestCertificate& files) {
    gnutls_datum_t pem{}, key_pem{};
    gnutls_load_file(files.certificate_file.c_str(), &pem);
    gnutls_load_file(files.key_file.c_str(), &key_pem);
    gnutls_x509_crt_t* chain = nullptr;
    unsigned count = 0;
    EXPECT_EQ(gnutls_x509_crt_list_import2(&chain, &count, &pem, GNUTLS_X509_FMT_PEM, 0), 0);
    gnutls_privkey_t key;
    gnutls_privkey_init(&key);
    gnutls_privkey_import_x509_raw(key, &key_pem, GNUTLS_X509_FMT_PEM, nullptr, 0);
    std::vector<gnutls_pcert_st> shown(count);
    for (unsigned i = 0; i < count; ++i) gnutls_pcert_import_x509(&shown[i], chain[i], 0);
    // The credentials now own key and certificates.
    EXPECT_EQ(gnutls_certificate_set_key(credentials_, nullptr, 0, shown.data(),
                                         static_cast<int>(count), key),
              0);
    for (unsigned i = 0; i < count; ++i) gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
    gnutls_free(pem.data);
    gnutls_free(key_pem.data);
  }

  static ssize_t Pull(gnutls_transport_ptr_t self, void* to, size_t size) {
    auto* peer = static_cast<RawPeer*>(self);
    if (peer->input_.empty()) {
      gnutls_transport_set_errno(peer->session_, EAGAIN);
      return -1;
    }
    size_t taken = 0;
    for (; taken < size && !peer->input_.empty(); ++taken) {
      static_cast<uint8_t*>(to)[taken] = peer->input_.front();
      peer->input_.pop_front();
    }
    return static_cast<ssize_t>(taken);
  }
  static ssize_t Push(gnutls_transport_ptr_t self, const void* from, size_t size) {
    const auto* octets = static_cast<const uint8_t*>(from);
    WireMessage& output = static_cast<RawPeer*>(self)->output_;
    output.insert(output.end(), octets, octets + size);
    return static_cast<ssize_t>(size);
  }

  gnutls_certificate_credentials_t credentials_ = nullptr;
  gnutls_session_t session_ = nullptr;
  std::deque<uint8_t> input_;
  WireMessage output_;
};

TEST(TlsSessionTest, ClientSendsAlpnDotAndTheAuthenticationName) {
  RawPeer server(GNUTLS_SERVER, "NORMAL", GetTestCertificates().server);
  server.Offer("dot");
  End client = NewClient(Trust(), Named());
  EXPECT_EQ(server.Handshake(client), 0);
  EXPECT_EQ(client.session->state(), State::kOpen);
  EXPECT_EQ(server.SelectedProtocol(), "dot");
  EXPECT_EQ(server.ServerName(), kTestServerName);
}

// A server can send a copy of the pinned certificate after its own.
TEST(TlsSessionTest, CertificateOutsideTheChainMatchesNoPin) {
  const TestCertificates& all = GetTestCertificates();
  RawPeer server(GNUTLS_SERVER, "NORMAL", all.with_stranger);
  End client = NewClient(Trust(), Pinned(Named(), all.other_name));
  server.Handshake(client);
  EXPECT_EQ(client.session->error(), StreamError::kTlsCertificate);
  EXPECT_THAT(client.session->error_detail(), HasSubstr("matches a pin"));
}

TEST(TlsSessionTest, ClientSendsNoServerNameForAnAddress) {
  RawPeer server(GNUTLS_SERVER, "NORMAL", GetTestCertificates().server);
  End client = NewClient(Trust(), Addressed("127.0.0.1"));
  EXPECT_EQ(server.Handshake(client), 0);
  EXPECT_EQ(client.session->state(), State::kOpen) << client.session->error_detail();
  EXPECT_EQ(server.ServerName(), "");
}

constexpr const char* kTls13 = "NORMAL";
constexpr const char* kTls12 = "NORMAL:-VERS-ALL:+VERS-TLS1.2";

TEST(TlsSessionTest, ServerSelectsAlpnDotAndAcceptsClientsWithoutAlpn) {
  const auto credentials = Serve(GetTestCertificates().server);
  for (const char* version : {kTls13, kTls12}) {
    for (const std::string protocol : {"dot", ""}) {
      RawPeer client(GNUTLS_CLIENT, version, GetTestCertificates().server);
      if (!protocol.empty()) client.Offer(protocol);
      End server = NewServer(credentials);
      EXPECT_EQ(client.Handshake(server), 0);
      EXPECT_EQ(server.session->state(), State::kOpen) << server.session->error_detail();
      EXPECT_EQ(client.SelectedProtocol(), protocol);
    }
  }
}

// RFC 7301 section 3.2: the alert is no_application_protocol, 120.
TEST(TlsSessionTest, ServerRejectsAClientThatOffersOnlyOtherProtocols) {
  for (const char* version : {kTls13, kTls12}) {
    RawPeer client(GNUTLS_CLIENT, version, GetTestCertificates().server);
    client.Offer("h2");
    End server = NewServer(Serve(GetTestCertificates().server));
    EXPECT_EQ(client.Handshake(server), GNUTLS_E_FATAL_ALERT_RECEIVED);
    EXPECT_EQ(static_cast<int>(gnutls_alert_get(client.session())), 120);
    EXPECT_EQ(server.session->state(), State::kFailed);
    EXPECT_EQ(server.session->error(), StreamError::kTlsHandshake);
  }
}

// How the sessions end that both sides begin with a peer of this priority.
struct Handshakes {
  State server_state;
  StreamError server_error;
  State client_state;
};

Handshakes HandshakesWith(const char* priority) {
  RawPeer raw_client(GNUTLS_CLIENT, priority, GetTestCertificates().server);
  End server = NewServer(Serve(GetTestCertificates().server));
  const bool server_agreed = raw_client.Handshake(server) == 0;
  EXPECT_EQ(server_agreed, server.session->state() == State::kOpen);
  RawPeer raw_server(GNUTLS_SERVER, priority, GetTestCertificates().server);
  End client = NewClient(Trust(), Named());
  const bool client_agreed = raw_server.Handshake(client) == 0;
  EXPECT_EQ(client_agreed, client.session->state() == State::kOpen);
  return {server.session->state(), server.session->error(), client.session->state()};
}

// RFC 9155: SHA-1 must not be used for signatures in TLS 1.2.
TEST(TlsSessionTest, NeitherSideUsesSha1Signatures) {
  const char* sha1 =
      "NORMAL:-VERS-ALL:+VERS-TLS1.2:-SIGN-ALL:+SIGN-RSA-SHA1:+SIGN-ECDSA-SHA1:"
      "%VERIFY_ALLOW_SIGN_WITH_SHA1";
  const Handshakes with = HandshakesWith(sha1);
  EXPECT_EQ(with.server_state, State::kFailed);
  EXPECT_NE(with.client_state, State::kOpen);
  RawPeer old_server(GNUTLS_SERVER, sha1, GetTestCertificates().server);
  TlsPeerIdentity identity = Named();
  identity.legacy_crypto = true;
  End legacy = NewClient(Trust(), identity);
  EXPECT_EQ(old_server.Handshake(legacy), 0);
}

TEST(TlsSessionTest, BothSidesSupportTls12) {
  const Handshakes with = HandshakesWith("NORMAL:-VERS-ALL:+VERS-TLS1.2");
  EXPECT_EQ(with.server_state, State::kOpen);
  EXPECT_EQ(with.client_state, State::kOpen);
}

TEST(TlsSessionTest, NeitherSideSupportsTls11) {
  const Handshakes with =
      HandshakesWith("NORMAL:-VERS-ALL:+VERS-TLS1.1:%VERIFY_ALLOW_SIGN_WITH_SHA1");
  EXPECT_EQ(with.server_state, State::kFailed);
  EXPECT_EQ(with.server_error, StreamError::kTlsHandshake);
  EXPECT_NE(with.client_state, State::kOpen);
}

TEST(TlsSessionTest, RenegotiationFailsTheSession) {
  RawPeer raw_server(GNUTLS_SERVER, "NORMAL:-VERS-ALL:+VERS-TLS1.2", GetTestCertificates().server);
  End client = NewClient(Trust(), Named());
  ASSERT_EQ(raw_server.Handshake(client), 0);
  gnutls_rehandshake(raw_server.session());
  EXPECT_EQ(client.Feed(raw_server.output()), State::kFailed);
  EXPECT_EQ(client.session->error(), StreamError::kTlsProtocol);
  RawPeer raw_client(GNUTLS_CLIENT, "NORMAL:-VERS-ALL:+VERS-TLS1.2", GetTestCertificates().server);
  End server = NewServer(Serve(GetTestCertificates().server));
  ASSERT_EQ(raw_client.Handshake(server), 0);
  gnutls_handshake(raw_client.session());
  EXPECT_EQ(server.Feed(raw_client.output()), State::kFailed);
  EXPECT_EQ(server.session->error(), StreamError::kTlsProtocol);
}

TEST(TlsSessionTest, KeyUpdateIsTransparent) {
  RawPeer raw_server(GNUTLS_SERVER, "NORMAL", GetTestCertificates().server);
  End client = NewClient(Trust(), Named());
  ASSERT_EQ(raw_server.Handshake(client), 0);
  gnutls_session_key_update(raw_server.session(), GNUTLS_KU_PEER);
  gnutls_record_send(raw_server.session(), "after", 5);
  EXPECT_EQ(client.Feed(raw_server.output()), State::kOpen);
  EXPECT_EQ(client.received, "after");
}

std::shared_ptr<const TlsClientCredentials> TrustAndShow(const TestCertificate& files) {
  auto loaded = TlsClientCredentials::Load({.ca = GetTestCertificates().ca.certificate_file,
                                            .certificate = files.certificate_file,
                                            .key = files.key_file,
                                            .pins = ""});
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  return *std::move(loaded);
}

// A server that requires a certificate of the test CA.
class DemandingServer : public RawPeer {
 public:
  explicit DemandingServer(const char* priority)
      : RawPeer(GNUTLS_SERVER, priority, GetTestCertificates().server) {
    RequireCertificate(GetTestCertificates().ca.certificate_file);
  }
};

constexpr const char* kBothVersions[] = {"NORMAL", "NORMAL:-VERS-TLS1.3"};

TEST(TlsSessionTest, ServerThatRequestsTheClientCertificateGetsIt) {
  const TestCertificates& all = GetTestCertificates();
  for (const char* priority : kBothVersions) {
    DemandingServer server(priority);
    End client = NewClient(TrustAndShow(all.client), Named());
    EXPECT_EQ(server.Handshake(client), 0);
    EXPECT_EQ(client.session->state(), State::kOpen) << client.session->error_detail();
    EXPECT_EQ(client.session->awaits_verdict(), priority == kBothVersions[0]);
    gnutls_record_send(server.session(), "x", 1);
    client.Feed(server.output());
    EXPECT_FALSE(client.session->awaits_verdict());
    unsigned count = 0;
    gnutls_certificate_get_peers(server.session(), &count);
    EXPECT_EQ(count, 2u);  // The certificate and its issuer.
  }
}

TEST(TlsSessionTest, ServerThatRequestsNoCertificateGetsNone) {
  const TestCertificates& all = GetTestCertificates();
  RawPeer server(GNUTLS_SERVER, "NORMAL", all.server);
  End client = NewClient(TrustAndShow(all.client), Named());
  EXPECT_EQ(server.Handshake(client), 0);
  EXPECT_FALSE(client.session->awaits_verdict());
  unsigned count = 0;
  EXPECT_EQ(gnutls_certificate_get_peers(server.session(), &count), nullptr);
}

// The client sends it for any list of issuers, so that the server reports the fault.
TEST(TlsSessionTest, RejectedClientCertificateHasItsOwnError) {
  const TestCertificates& all = GetTestCertificates();
  for (const char* priority : kBothVersions) {
    DemandingServer server(priority);
    End client = NewClient(TrustAndShow(all.self_signed), Named());
    const int code = server.Handshake(client);
    EXPECT_EQ(code, GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR) << gnutls_strerror(code);
    server.Refuse(code, client);
    EXPECT_EQ(client.session->state(), State::kFailed);
    EXPECT_EQ(client.session->error(), StreamError::kTlsClientCertificate);
    EXPECT_THAT(client.session->error_detail(),
                AllOf(HasSubstr("refuses our certificate"), HasSubstr("alert")));
  }
}

TEST(TlsSessionTest, ServerThatRequiresAClientCertificateCausesACertificateError) {
  DemandingServer server("NORMAL");
  End client = NewClient(Trust(), Named());
  server.Refuse(server.Handshake(client), client);
  EXPECT_EQ(client.session->state(), State::kFailed);
  EXPECT_EQ(client.session->error(), StreamError::kTlsClientCertificate);
  EXPECT_THAT(client.session->error_detail(), HasSubstr("require a client certificate"));
}

TEST(TlsSessionTest, PinsOfCredentialsAndIdentityAreBothUsed) {
  const TestCertificates& all = GetTestCertificates();
  const TestDirectory directory;
  const std::string file = directory.Write("pins", all.server.spki_pin);
  const std::shared_ptr<const TlsClientCredentials> pinned = *TlsClientCredentials::Load(
      {.ca = all.ca.certificate_file, .certificate = "", .key = "", .pins = file});
  const auto judge = [&](const TestCertificate& files, const TlsPeerIdentity& identity) {
    End client = NewClient(pinned, identity);
    End server = NewServer(Serve(files));
    Exchange(client, server);
    return client.session->state();
  };
  EXPECT_EQ(judge(all.server, Named()), State::kOpen);
  EXPECT_EQ(judge(all.name_only, Named()), State::kFailed);
  EXPECT_EQ(judge(all.name_only, Pinned(Named(), all.name_only)), State::kOpen);
}

TEST(TlsSessionTest, NoSessionIsResumedAfterTheCertificateHasExpired) {
  const auto credentials = Serve(GetTestCertificates().expires_soon);
  const auto tickets = std::make_shared<TlsTicketStore>(&TestNow);
  for (const auto& [minutes, resumed] : {std::pair(0, false), {50, true}, {61, false}}) {
    test_now = MonoTime(std::chrono::hours(1000) + std::chrono::minutes(minutes));
    auto [client, server] = Connect(credentials, tickets);
    ASSERT_EQ(client.session->state(), State::kOpen) << client.session->error_detail();
    EXPECT_EQ(client.session->resumed(), resumed) << minutes;
  }
}

// A server sends a ticket only after it accepted the client certificate.
TEST(TlsSessionTest, TicketEndsTheWaitForTheVerdict) {
  const TestCertificates& all = GetTestCertificates();
  DemandingServer server("NORMAL");
  gnutls_datum_t key{};
  gnutls_session_ticket_key_generate(&key);
  gnutls_session_ticket_enable_server(server.session(), &key);
  End client = NewClient(TrustAndShow(all.client), Named());
  EXPECT_EQ(server.Handshake(client), 0);
  EXPECT_FALSE(client.session->awaits_verdict());
  gnutls_free(key.data);
}

TEST(TlsSessionTest, SessionKeepsItsCredentialsAndTicketStore) {
  End client = NewClient(Trust(), Named(), std::make_shared<TlsTicketStore>());
  End server = NewServer(Serve(GetTestCertificates().server));
  Exchange(client, server);
  client.session->Write(AsBytes("query"));
  Exchange(client, server);
  EXPECT_EQ(server.received, "query");
}

}  // namespace
}  // namespace dotcache
