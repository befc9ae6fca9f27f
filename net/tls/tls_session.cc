// SPDX-License-Identifier: Apache-2.0
#include "net/tls/tls_session.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/status_macros.h"
#include "net/tls/tls_internal.h"
#include "net/tls/tls_verify.h"

namespace dotcache {
namespace {

constexpr size_t kMaxPlainText = 16384;  // Largest plain text of one record (RFC 8446 section 5.1).
// Without these limits, GnuTLS buffers handshake messages of up to 16 MiB from an unauthenticated
// peer. A server may send a long chain of certificates. A client has only its hello to send.
constexpr size_t kMaxWithoutPlainText = 65536;
constexpr size_t kMaxOfClientHandshake = 16384;
constexpr int64_t kMaxTicketSeconds =
    std::chrono::duration_cast<Seconds>(TlsTicketStore::kMaxAge).count();

absl::Status InternalGnutlsError(int code) {
  return absl::InternalError(absl::StrCat("TLS session: ", gnutls_strerror(code)));
}

constexpr char kNoAnswer[] = " without an answer to the ClientHello (a DNS port without TLS?)";

// The type of a record with which a server may begin: alert or handshake (RFC 8446 section 5.1).
bool BeginsTls(uint8_t octet) { return octet == 0x15 || octet == 0x16; }

bool IsAddress(const std::string& text) {
  std::array<uint8_t, 16> ignored;
  return inet_pton(AF_INET, text.c_str(), ignored.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), ignored.data()) == 1;
}

}  // namespace

struct TlsSession::Impl {
  absl::Status Init(unsigned role, gnutls_priority_t priority,
                    gnutls_certificate_credentials_t credentials);
  absl::Status InitClient(const TlsPeerIdentity& server);
  absl::Status InitServer();
  absl::Status OfferAlpn(unsigned flags);
  void Handshake();
  bool AnswersInClearText();
  void Receive(absl::FunctionRef<void(Bytes)> sink);
  void KeepTicket();
  MonoTime UsableUntil() const;
  // How many octets the peer may send without application data.
  size_t MaxWithoutPlainText() const {
    return trust == nullptr && state == State::kHandshaking ? kMaxOfClientHandshake
                                                            : kMaxWithoutPlainText;
  }
  void Fail(StreamError kind, int code);

  // Functions that GnuTLS calls to read and write octets and to verify the server.
  static ssize_t Pull(gnutls_transport_ptr_t self, void* to, size_t size);
  static ssize_t Push(gnutls_transport_ptr_t self, const giovec_t* pieces, int count);
  static int PullTimeout(gnutls_transport_ptr_t self, unsigned milliseconds);
  static int Verify(gnutls_session_t session);

  std::shared_ptr<const TlsClientCredentials> trust;  // Null in a server session.
  std::shared_ptr<const TlsServerCredentials> own;    // Null in a client session.
  GnutlsSessionPtr session;
  TlsPeerIdentity identity;
  std::shared_ptr<TlsTicketStore> tickets;  // May be null.
  MonoTime tickets_until;  // End of use of this session's tickets. Resuming does not change it.
  Bytes input;             // The octets given to Feed() that GnuTLS has not pulled yet.
  size_t pulled_without_plain_text = 0;
  WireMessage output;
  State state = State::kHandshaking;
  int64_t certificate_expiry = 0;
  bool heard = false;
  bool offered_alpn = false;
  bool offered_ticket = false;
  bool resumed = false;
  bool awaits_verdict = false;
  bool closed = false;  // close_notify is queued.
  StreamError error = StreamError::kNone;
  std::string error_detail;
};

ssize_t TlsSession::Impl::Pull(gnutls_transport_ptr_t self, void* to, size_t size) {
  auto* impl = static_cast<Impl*>(self);
  if (impl->input.empty()) {
    gnutls_transport_set_errno(impl->session.get(), EAGAIN);
    return -1;
  }
  const size_t left = impl->MaxWithoutPlainText() - impl->pulled_without_plain_text;
  if (left == 0) {
    gnutls_transport_set_errno(impl->session.get(), EMSGSIZE);
    return -1;
  }
  const size_t taken = std::min({size, impl->input.size(), left});
  impl->pulled_without_plain_text += taken;
  std::memcpy(to, impl->input.data(), taken);
  impl->input.remove_prefix(taken);
  return static_cast<ssize_t>(taken);
}

ssize_t TlsSession::Impl::Push(gnutls_transport_ptr_t self, const giovec_t* pieces, int count) {
  WireMessage& output = static_cast<Impl*>(self)->output;
  size_t total = 0;
  for (int i = 0; i < count; ++i) {
    const auto* octets = static_cast<const uint8_t*>(pieces[i].iov_base);
    output.insert(output.end(), octets, octets + pieces[i].iov_len);
    total += pieces[i].iov_len;
  }
  return static_cast<ssize_t>(total);
}

int TlsSession::Impl::PullTimeout(gnutls_transport_ptr_t self, unsigned /*milliseconds*/) {
  return static_cast<Impl*>(self)->input.empty() ? 0 : 1;
}

int TlsSession::Impl::Verify(gnutls_session_t session) {
  auto* impl = static_cast<Impl*>(gnutls_session_get_ptr(session));
  impl->certificate_expiry =
      std::max<int64_t>(gnutls_certificate_expiration_time_peers(session), 0);
  impl->error_detail = VerifyServer(session, *impl->trust, impl->identity);
  return impl->error_detail.empty() ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

absl::Status TlsSession::Impl::Init(unsigned role, gnutls_priority_t priority,
                                    gnutls_certificate_credentials_t credentials) {
  gnutls_session_t raw;
  int code = gnutls_init(&raw, role | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
  if (code < 0) return InternalGnutlsError(code);
  session.reset(raw);
  code = gnutls_priority_set(raw, priority);
  if (code < 0) return InternalGnutlsError(code);
  code = gnutls_credentials_set(raw, GNUTLS_CRD_CERTIFICATE, credentials);
  if (code < 0) return InternalGnutlsError(code);
  gnutls_session_set_ptr(raw, this);
  gnutls_transport_set_ptr(raw, this);
  gnutls_transport_set_pull_function(raw, &Impl::Pull);
  gnutls_transport_set_vec_push_function(raw, &Impl::Push);
  gnutls_transport_set_pull_timeout_function(raw, &Impl::PullTimeout);
  gnutls_handshake_set_timeout(raw, 0);  // The owner's timers enforce deadlines.
  return absl::OkStatus();
}

// RFC 7858 does not define ALPN, but some providers require it. It is offered, and a peer without
// it is accepted. A client that offers only other protocols gets the alert no_application_protocol
// (RFC 7301 section 3.2).
absl::Status TlsSession::Impl::OfferAlpn(unsigned flags) {
  std::array<uint8_t, 3> dot = {'d', 'o', 't'};
  const gnutls_datum_t protocol = {dot.data(), static_cast<unsigned>(dot.size())};
  const int code = gnutls_alpn_set_protocols(session.get(), &protocol, 1, flags);
  return code < 0 ? InternalGnutlsError(code) : absl::OkStatus();
}

absl::Status TlsSession::Impl::InitClient(const TlsPeerIdentity& server) {
  identity = server;
  identity.pins.insert(identity.pins.end(), trust->pins().begin(), trust->pins().end());
  identity.address.resize(std::min(identity.address.find('%'), identity.address.size()));
  std::string& name = identity.authentication_name;
  name = std::string(absl::StripSuffix(name, "."));
  if (!IsAddress(identity.address)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", server.address, "\" is not an address"));
  }
  if (IsAddress(name)) {
    return absl::InvalidArgumentError(absl::StrCat("the authentication name ", name,
                                                   " is an address; leave the name out to have "
                                                   "the address itself verified"));
  }
  // The client certificate is sent even when its issuer is not in the server's list of issuers.
  const unsigned role = GNUTLS_CLIENT | GNUTLS_KEY_SHARE_TOP | GNUTLS_FORCE_CLIENT_CERT;
  const TlsClientCredentials::Impl& shown = trust->impl();
  const GnutlsPriorityPtr& priority =
      identity.legacy_crypto ? shown.legacy_priority : shown.priority;
  RETURN_IF_ERROR(Init(role, priority.get(), shown.credentials.get()));
  if (!name.empty()) {
    const int code =
        gnutls_server_name_set(session.get(), GNUTLS_NAME_DNS, name.data(), name.size());
    if (code < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("authentication name ", name, ": ", gnutls_strerror(code)));
    }
  }
  gnutls_session_set_verify_function(session.get(), &Impl::Verify);
  if (tickets == nullptr) return absl::OkStatus();
  const auto [ticket, until] = tickets->Take();
  tickets_until = until;
  // GnuTLS rejects a malformed ticket here. The handshake is then a full one.
  offered_ticket = !ticket.empty() && gnutls_session_set_data(session.get(), ticket.data(),
                                                              ticket.size()) == GNUTLS_E_SUCCESS;
  return absl::OkStatus();
}

absl::Status TlsSession::Impl::InitServer() {
  const TlsServerCredentials::Impl& served = own->impl();
  RETURN_IF_ERROR(Init(GNUTLS_SERVER, served.priority.get(), served.credentials.get()));
  RETURN_IF_ERROR(OfferAlpn(GNUTLS_ALPN_MANDATORY));
  gnutls_certificate_server_set_request(session.get(), GNUTLS_CERT_IGNORE);
  const int code = gnutls_session_ticket_enable_server(session.get(), served.ticket_key.get());
  return code < 0 ? InternalGnutlsError(code) : absl::OkStatus();
}

void TlsSession::Impl::Fail(StreamError kind, int code) {
  // The alert gives the peer the reason, if it still reads.
  gnutls_alert_send_appropriate(session.get(), code);
  const size_t most = MaxWithoutPlainText();
  state = State::kFailed;
  error = kind;
  if (kind == StreamError::kTlsCertificate && !error_detail.empty()) return;
  error_detail = gnutls_strerror(code);
  if (code == GNUTLS_E_PULL_ERROR) {
    error_detail =
        absl::StrCat("the peer sent more than ", most, " octets without application data");
  } else if (code == GNUTLS_E_FATAL_ALERT_RECEIVED) {
    const gnutls_alert_description_t alert = gnutls_alert_get(session.get());
    const char* name = gnutls_alert_get_name(alert);
    error_detail = absl::StrCat("the peer sent the alert: ", name != nullptr ? name : "unknown");
    if (trust == nullptr) return;
    if (alert == GNUTLS_A_NO_APPLICATION_PROTOCOL) error = StreamError::kTlsAlpn;
    if (!IsAboutCertificate(alert)) {
      if (kind == StreamError::kTlsHandshake) error_detail += NameHint(identity);
      return;
    }
    error = StreamError::kTlsClientCertificate;
    error_detail = absl::StrCat(
        trust->has_certificate() ? "the server refuses our certificate: "
                                 : "the server seems to require a client certificate (cert, key): ",
        error_detail);
  }
}

// Looks at the first octet that the server sends. A server without TLS is a likely mistake, for
// which GnuTLS has no words.
bool TlsSession::Impl::AnswersInClearText() {
  if (heard || input.empty()) return false;
  heard = true;
  if (trust == nullptr || BeginsTls(input.front())) return false;
  state = State::kFailed;
  error = StreamError::kTlsHandshake;
  error_detail = "the server answered in clear text: is this a DNS port without TLS?";
  return true;
}

void TlsSession::Impl::Handshake() {
  if (AnswersInClearText()) return;
  for (;;) {
    const int code = gnutls_handshake(session.get());
    if (code == GNUTLS_E_SUCCESS) break;
    if (code == GNUTLS_E_AGAIN && input.empty()) return;
    if (gnutls_error_is_fatal(code) == 0) continue;
    return Fail(code == GNUTLS_E_CERTIFICATE_ERROR ? StreamError::kTlsCertificate
                                                   : StreamError::kTlsHandshake,
                code);
  }
  state = State::kOpen;
  resumed = gnutls_session_is_resumed(session.get()) != 0;
  awaits_verdict = trust != nullptr && !resumed &&
                   gnutls_protocol_get_version(session.get()) == GNUTLS_TLS1_3 &&
                   gnutls_certificate_client_get_request_status(session.get()) != 0;
  if (tickets != nullptr && !resumed) tickets_until = UsableUntil();
  pulled_without_plain_text = 0;
  identity = {};
}

// For tickets of a session in which the server has just shown its certificate.
MonoTime TlsSession::Impl::UsableUntil() const {
  const int64_t left = gnutls_certificate_expiration_time_peers(session.get()) - UnixTime();
  const Duration seconds = Seconds(std::clamp<int64_t>(left, 0, kMaxTicketSeconds));
  return tickets->Now() + seconds;
}

void TlsSession::Impl::Receive(absl::FunctionRef<void(Bytes)> sink) {
  std::array<uint8_t, kMaxPlainText> plain_text;
  for (;;) {
    const ssize_t size = gnutls_record_recv(session.get(), plain_text.data(), plain_text.size());
    if (size > 0) {
      pulled_without_plain_text = 0;
      awaits_verdict = false;
      sink(Bytes(plain_text.data(), static_cast<size_t>(size)));
      continue;
    }
    if (size == 0) {
      state = State::kPeerClosed;
      return;
    }
    const int code = static_cast<int>(size);
    if (code == GNUTLS_E_AGAIN && input.empty()) return;
    // GnuTLS could go on after a renegotiation request. It is refused (RFC 9325 section 3.5).
    if (code == GNUTLS_E_REHANDSHAKE || gnutls_error_is_fatal(code) != 0) {
      return Fail(StreamError::kTlsProtocol, code);
    }
  }
}

void TlsSession::Impl::KeepTicket() {
  // Until the ticket has arrived, GnuTLS returns a dummy without an error.
  if ((gnutls_session_get_flags(session.get()) & GNUTLS_SFLAGS_SESSION_TICKET) == 0) return;
  awaits_verdict = false;
  if (tickets == nullptr) return;
  GnutlsDatum data;
  if (gnutls_session_get_data2(session.get(), data.get()) == 0) {
    tickets->Put({std::string(data.view()), tickets_until});
  }
  tickets.reset();  // One ticket per connection is enough, so later ones are ignored.
}

TlsSession::TlsSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsSession::~TlsSession() = default;

absl::StatusOr<std::unique_ptr<TlsSession>> TlsSession::NewClient(
    std::shared_ptr<const TlsClientCredentials> credentials, const TlsPeerIdentity& identity,
    std::shared_ptr<TlsTicketStore> tickets, bool offer_alpn) {
  auto impl = std::make_unique<Impl>();
  impl->trust = std::move(credentials);
  impl->tickets = std::move(tickets);
  RETURN_IF_ERROR(impl->InitClient(identity));
  if (offer_alpn) RETURN_IF_ERROR(impl->OfferAlpn(0));
  impl->offered_alpn = offer_alpn;
  return std::make_unique<TlsSession>(std::move(impl));
}

absl::StatusOr<std::unique_ptr<TlsSession>> TlsSession::NewServer(
    std::shared_ptr<const TlsServerCredentials> credentials) {
  auto impl = std::make_unique<Impl>();
  impl->own = std::move(credentials);
  RETURN_IF_ERROR(impl->InitServer());
  return std::make_unique<TlsSession>(std::move(impl));
}

TlsSession::State TlsSession::Feed(Bytes cipher_text, absl::FunctionRef<void(Bytes)> sink) {
  impl_->input = cipher_text;
  if (impl_->state == State::kHandshaking) impl_->Handshake();
  if (impl_->state == State::kOpen) {
    impl_->Receive(sink);
    impl_->KeepTicket();
  }
  impl_->input = {};
  return impl_->state;
}

TlsSession::State TlsSession::Write(Bytes plain_text) {
  assert(impl_->state == State::kOpen || impl_->state == State::kPeerClosed);
  assert(!impl_->closed);
  while (!plain_text.empty()) {
    const ssize_t size =
        gnutls_record_send(impl_->session.get(), plain_text.data(), plain_text.size());
    if (size < 0) {
      impl_->Fail(StreamError::kTlsProtocol, static_cast<int>(size));
      break;
    }
    plain_text.remove_prefix(static_cast<size_t>(size));
  }
  return impl_->state;
}

void TlsSession::Close() {
  const bool is_established = impl_->state == State::kOpen || impl_->state == State::kPeerClosed;
  if (!is_established || impl_->closed) return;
  impl_->closed = true;
  gnutls_bye(impl_->session.get(), GNUTLS_SHUT_WR);
}

WireMessage& TlsSession::output() { return impl_->output; }
TlsSession::State TlsSession::state() const { return impl_->state; }
bool TlsSession::resumed() const { return impl_->resumed; }
int64_t TlsSession::certificate_expiry() const { return impl_->certificate_expiry; }
bool TlsSession::offered_alpn() const { return impl_->offered_alpn; }
bool TlsSession::offered_ticket() const { return impl_->offered_ticket; }
bool TlsSession::heard() const { return impl_->heard; }

std::string TlsSession::HandshakeHint() const {
  const bool is_client = impl_->trust != nullptr;
  if (!is_client || impl_->state != State::kHandshaking) return "";
  return absl::StrCat(impl_->heard ? "" : kNoAnswer, NameHint(impl_->identity));
}

bool TlsSession::awaits_verdict() const { return impl_->awaits_verdict; }
StreamError TlsSession::error() const { return impl_->error; }
const std::string& TlsSession::error_detail() const { return impl_->error_detail; }

}  // namespace dotcache
