// SPDX-License-Identifier: Apache-2.0
#include "tests/support/loopback_dot_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "core/mutex.h"
#include "dns/message_header.h"
#include "net/unique_fd.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(10);

void Check(bool condition) {
  if (!condition) std::abort();
}

// An eventfd that stays readable after it was set.
class Signal {
 public:
  Signal() : fd_(eventfd(0, EFD_CLOEXEC)) { Check(fd_.valid()); }
  void Set() {
    const uint64_t one = 1;
    Check(write(fd_.get(), &one, sizeof(one)) == sizeof(one));
  }
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

// Fails a handshake in which the client offers a ticket of TLS 1.3.
int RefuseTicket(gnutls_session_t, unsigned, unsigned, unsigned, const gnutls_datum_t* hello) {
  constexpr unsigned kPreSharedKey = 41;
  const auto refuse = [](void*, unsigned type, const unsigned char*, unsigned) {
    return type == kPreSharedKey ? GNUTLS_E_INTERNAL_ERROR : 0;
  };
  return gnutls_ext_raw_parse(nullptr, refuse, hello, GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO);
}

int RequireName(gnutls_session_t session) {
  char name[256];
  size_t size = sizeof name;
  unsigned type = 0;
  return gnutls_server_name_get(session, name, &size, &type, 0) == 0 ? 0
                                                                     : GNUTLS_E_UNRECOGNIZED_NAME;
}

// Returns the size of the question section, or 0 if the query is too short for one.
size_t QuestionSize(Bytes query) {
  size_t at = kHeaderSize;
  while (at < query.size() && query[at] != 0) at += query[at] + size_t{1};
  return at + 5 <= query.size() ? at + 5 - kHeaderSize : 0;
}

}  // namespace

WireMessage ErrorTo(Bytes query, Rcode rcode) {
  const size_t question_size = QuestionSize(query);
  WireMessage reply(query.begin(),
                    query.begin() + static_cast<std::ptrdiff_t>(kHeaderSize + question_size));
  MessageHeader header = LoadHeader(query);
  header.flags = static_cast<uint16_t>(kFlagQr | kFlagRd | kFlagRa |
                                       (static_cast<uint16_t>(rcode) & kRcodeMask));
  header.ancount = header.nscount = header.arcount = 0;
  StoreHeader(MutableBytes(reply), header);
  return reply;
}

WireMessage AnswerTo(Bytes query, absl::string_view dotted_quad, uint32_t ttl) {
  WireMessage reply = ErrorTo(query, Rcode::kNoError);
  const size_t end = reply.size();
  reply.resize(end + 12);
  StoreU16(&reply[end], 0xc000 | kHeaderSize);
  StoreU16(&reply[end + 2], static_cast<uint16_t>(QType::kA));
  StoreU16(&reply[end + 4], static_cast<uint16_t>(QClass::kIn));
  StoreU32(&reply[end + 6], ttl);
  StoreU16(&reply[end + 10], 4);
  const WireMessage address = ARdata(dotted_quad);
  reply.insert(reply.end(), address.begin(), address.end());
  StoreU16(&reply[6], 1);
  return reply;
}

DotHandler AnswerEverything() {
  return [](const DotQuery& query) {
    return std::vector<DotAction>{{.octets = AnswerTo(query.wire)}};
  };
}

struct LoopbackDotServer::Impl {
  // One accepted connection and its thread.
  struct Peer {
    int number = 0;
    UniqueFd fd;
    Signal stop;
    std::atomic<bool> reset{false};
    std::thread thread;
  };

  explicit Impl(Options server_options);
  ~Impl();
  void Listen();
  void StopAll();
  void Accept();
  void EndPeers(bool reset);
  void Serve(Peer& peer);
  void Talk(Peer& peer, gnutls_session_t session);
  bool Handshake(Peer& peer, gnutls_session_t session);
  void OnQuery(Peer& peer, int number, WireMessage wire,
               std::multimap<SteadyClock::time_point, DotAction>& due);
  // Returns false when the connection has ended.
  bool Carry(Peer& peer, gnutls_session_t session, const DotAction& action);

  template <typename Condition>
  bool WaitFor(Condition condition) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return changed.wait_for(mutex, kPatience, condition);
  }

  const Options options;
  gnutls_certificate_credentials_t credentials = nullptr;
  gnutls_datum_t ticket_key{};
  Endpoint endpoint;
  UniqueFd listener;
  std::unique_ptr<Signal> stop_accepting;
  std::thread acceptor;

  Mutex mutex;
  std::condition_variable_any changed;
  DotHandler handler ABSL_GUARDED_BY(mutex);
  std::list<Peer> peers ABSL_GUARDED_BY(mutex);
  Counts counts ABSL_GUARDED_BY(mutex);
  int64_t plain_octets ABSL_GUARDED_BY(mutex) = 0;
  std::vector<WireMessage> queries ABSL_GUARDED_BY(mutex);
};

LoopbackDotServer::Impl::Impl(Options server_options)
    : options(std::move(server_options)), handler(options.handler) {
  Check(gnutls_certificate_allocate_credentials(&credentials) == 0);
  Check(gnutls_certificate_set_x509_key_file(
            credentials, options.certificate.certificate_file.c_str(),
            options.certificate.key_file.c_str(), GNUTLS_X509_FMT_PEM) == 0);
  if (!options.client_ca_file.empty()) {
    Check(gnutls_certificate_set_x509_trust_file(credentials, options.client_ca_file.c_str(),
                                                 GNUTLS_X509_FMT_PEM) > 0);
  }
  Check(gnutls_session_ticket_key_generate(&ticket_key) == 0);
  endpoint = *Endpoint::Parse("127.0.0.1:0", 0);
  Listen();
}

LoopbackDotServer::Impl::~Impl() {
  StopAll();
  gnutls_free(ticket_key.data);
  gnutls_certificate_free_credentials(credentials);
}

void LoopbackDotServer::Impl::Listen() {
  listener.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int yes = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(options.everywhere ? INADDR_ANY : INADDR_LOOPBACK);
  address.sin_port = htons(endpoint.port());
  socklen_t size = sizeof(address);
  sockaddr* generic = reinterpret_cast<sockaddr*>(&address);
  Check(bind(listener.get(), generic, size) == 0 && listen(listener.get(), 128) == 0);
  Check(getsockname(listener.get(), generic, &size) == 0);
  endpoint.set_port(ntohs(address.sin_port));
  stop_accepting = std::make_unique<Signal>();
  acceptor = std::thread([this] { Accept(); });
}

void LoopbackDotServer::Impl::StopAll() {
  if (!acceptor.joinable()) return;
  stop_accepting->Set();
  acceptor.join();
  listener.reset();
  EndPeers(/*reset=*/false);
}

void LoopbackDotServer::Impl::Accept() {
  for (;;) {
    pollfd polled[] = {{listener.get(), POLLIN, 0}, {stop_accepting->fd(), POLLIN, 0}};
    // poll() can fail while a test has used up the process's descriptors.
    if (poll(polled, 2, -1) < 0) continue;
    if (polled[1].revents != 0) return;
    UniqueFd fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.valid()) continue;
    const int yes = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    const MutexLock lock(mutex);
    peers.emplace_back();
    Peer& peer = peers.back();
    peer.number = counts.accepted++;
    peer.fd = std::move(fd);
    ++counts.open;
    peer.thread = std::thread([this, &peer] { Serve(peer); });
    changed.notify_all();
  }
}

void LoopbackDotServer::Impl::EndPeers(bool reset) {
  std::list<Peer> ending;
  {
    const MutexLock lock(mutex);
    ending.swap(peers);
  }
  for (Peer& peer : ending) {
    peer.reset = reset;
    peer.stop.Set();
  }
  for (Peer& peer : ending) peer.thread.join();
}

void LoopbackDotServer::Impl::Serve(Peer& peer) {
  if (options.stall_handshake || !options.first_octets.empty()) {
    const std::string& octets = options.first_octets;
    Check(write(peer.fd.get(), octets.data(), octets.size()) ==
          static_cast<ssize_t>(octets.size()));
    pollfd polled{peer.stop.fd(), POLLIN, 0};
    poll(&polled, 1, -1);
  } else {
    gnutls_session_t session = nullptr;
    Check(gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) == 0);
    gnutls_set_default_priority(session);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    if (options.tickets) gnutls_session_ticket_enable_server(session, &ticket_key);
    std::string alpn = options.alpn;
    const gnutls_datum_t protocol = {reinterpret_cast<unsigned char*>(alpn.data()),
                                     static_cast<unsigned>(alpn.size())};
    gnutls_alpn_set_protocols(session, &protocol, 1,
                              options.alpn_mandatory ? GNUTLS_ALPN_MANDATORY : 0);
    if (options.needs_name) {
      gnutls_handshake_set_post_client_hello_function(session, &RequireName);
    }
    if (options.break_off_resumption) {
      gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE,
                                         &RefuseTicket);
    }
    if (!options.client_ca_file.empty()) {
      gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
      gnutls_session_set_verify_cert(session, nullptr, 0);
    }
    gnutls_transport_set_int(session, peer.fd.get());
    if (Handshake(peer, session)) Talk(peer, session);
    if (!peer.reset) gnutls_bye(session, GNUTLS_SHUT_WR);
    gnutls_deinit(session);
  }
  if (peer.reset) {
    const linger now = {1, 0};
    setsockopt(peer.fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }
  const MutexLock lock(mutex);
  peer.fd.reset();
  --counts.open;
  changed.notify_all();
}

bool LoopbackDotServer::Impl::Handshake(Peer& peer, gnutls_session_t session) {
  for (;;) {
    const int rc = gnutls_handshake(session);
    if (rc == GNUTLS_E_SUCCESS) break;
    if (gnutls_error_is_fatal(rc) != 0) {
      if (options.alerts) gnutls_alert_send_appropriate(session, rc);
      return false;
    }
    pollfd polled[] = {{peer.fd.get(), POLLIN, 0}, {peer.stop.fd(), POLLIN, 0}};
    poll(polled, 2, -1);
    if (polled[1].revents != 0) return false;
  }
  const MutexLock lock(mutex);
  ++counts.handshakes;
  if (gnutls_session_is_resumed(session) != 0) ++counts.resumptions;
  changed.notify_all();
  return true;
}

// Reads queries and carries out the due actions until one side ends the connection.
void LoopbackDotServer::Impl::Talk(Peer& peer, gnutls_session_t session) {
  WireMessage input;
  std::multimap<SteadyClock::time_point, DotAction> due;
  int number = 0;
  bool at_eof = false;
  for (;;) {
    while (!due.empty() && due.begin()->first <= SteadyClock::now()) {
      const DotAction action = std::move(due.begin()->second);
      due.erase(due.begin());
      if (!Carry(peer, session, action)) return;
    }
    if (at_eof && due.empty()) return;
    if (gnutls_record_check_pending(session) == 0) {
      int wait_ms = -1;
      if (!due.empty()) {
        const auto left = due.begin()->first - SteadyClock::now();
        wait_ms = static_cast<int>(
            std::max<int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(left).count()));
      }
      pollfd polled[] = {{peer.stop.fd(), POLLIN, 0}, {peer.fd.get(), POLLIN, 0}};
      poll(polled, at_eof ? 1 : 2, wait_ms);
      if (polled[0].revents != 0) return;
      if (at_eof || polled[1].revents == 0) continue;
    }
    uint8_t piece[4096];
    const ssize_t size = gnutls_record_recv(session, piece, sizeof(piece));
    if (size < 0) {
      if (gnutls_error_is_fatal(static_cast<int>(size)) != 0) return;
      continue;
    }
    at_eof |= size == 0;
    input.insert(input.end(), piece, piece + size);
    {
      const MutexLock lock(mutex);
      plain_octets += size;
    }
    while (input.size() >= 2 && input.size() >= size_t{2} + LoadU16(input.data())) {
      const auto end = input.begin() + 2 + LoadU16(input.data());
      OnQuery(peer, number++, WireMessage(input.begin() + 2, end), due);
      input.erase(input.begin(), end);
    }
  }
}

void LoopbackDotServer::Impl::OnQuery(Peer& peer, int number, WireMessage wire,
                                      std::multimap<SteadyClock::time_point, DotAction>& due) {
  const MutexLock lock(mutex);
  queries.push_back(wire);
  changed.notify_all();
  const DotQuery query = {std::move(wire), peer.number, number};
  for (DotAction& action : handler(query)) {
    const auto when = SteadyClock::now() + action.delay;
    due.emplace(action.delay.count() == 0 ? SteadyClock::time_point() : when, std::move(action));
  }
}

bool LoopbackDotServer::Impl::Carry(Peer& peer, gnutls_session_t session, const DotAction& action) {
  if (action.kind == DotAction::Kind::kReset) peer.reset = true;
  if (action.kind == DotAction::Kind::kReset || action.kind == DotAction::Kind::kClose) {
    return false;
  }
  WireMessage octets;
  if (action.kind == DotAction::Kind::kMessage) {
    octets.resize(2);
    StoreU16(octets.data(), static_cast<uint16_t>(action.octets.size()));
  }
  octets.insert(octets.end(), action.octets.begin(), action.octets.end());
  size_t sent = 0;
  while (sent < octets.size()) {
    const ssize_t size = gnutls_record_send(session, octets.data() + sent, octets.size() - sent);
    if (size >= 0) {
      sent += static_cast<size_t>(size);
      continue;
    }
    if (gnutls_error_is_fatal(static_cast<int>(size)) != 0) return false;
    pollfd polled[] = {{peer.fd.get(), POLLOUT, 0}, {peer.stop.fd(), POLLIN, 0}};
    poll(polled, 2, -1);
    if (polled[1].revents != 0) return false;
  }
  return true;
}

LoopbackDotServer::LoopbackDotServer(Options options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

LoopbackDotServer::~LoopbackDotServer() = default;

Endpoint LoopbackDotServer::endpoint() const { return impl_->endpoint; }

void LoopbackDotServer::SetHandler(DotHandler handler) {
  const MutexLock lock(impl_->mutex);
  impl_->handler = std::move(handler);
}

void LoopbackDotServer::Stop() { impl_->StopAll(); }

void LoopbackDotServer::Start() { impl_->Listen(); }

void LoopbackDotServer::CloseConnections() { impl_->EndPeers(/*reset=*/false); }

void LoopbackDotServer::ResetConnections() { impl_->EndPeers(/*reset=*/true); }

LoopbackDotServer::Counts LoopbackDotServer::counts() const {
  const MutexLock lock(impl_->mutex);
  return impl_->counts;
}

int64_t LoopbackDotServer::plain_octets() const {
  const MutexLock lock(impl_->mutex);
  return impl_->plain_octets;
}

int LoopbackDotServer::queries() const { return static_cast<int>(query_octets().size()); }

std::vector<WireMessage> LoopbackDotServer::query_octets() const {
  const MutexLock lock(impl_->mutex);
  return impl_->queries;
}

bool LoopbackDotServer::WaitForQueries(int count) const {
  const MutexLock lock(impl_->mutex);
  return impl_->WaitFor([this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(impl_->mutex) {
    return static_cast<int>(impl_->queries.size()) >= count;
  });
}

bool LoopbackDotServer::WaitForConnections(int count) const {
  const MutexLock lock(impl_->mutex);
  return impl_->WaitFor([this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(impl_->mutex) {
    return impl_->counts.accepted >= count;
  });
}

bool LoopbackDotServer::WaitForNoConnection() const {
  const MutexLock lock(impl_->mutex);
  return impl_->WaitFor(
      [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(impl_->mutex) { return impl_->counts.open == 0; });
}

}  // namespace dotcache
