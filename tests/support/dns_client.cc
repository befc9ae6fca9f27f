// SPDX-License-Identifier: Apache-2.0
#include "tests/support/dns_client.h"

#include <gnutls/gnutls.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "gtest/gtest.h"
#include "net/unique_fd.h"

namespace dotcache {
namespace {

constexpr timeval kPatience = {10, 0};

std::chrono::steady_clock::time_point Deadline() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(kPatience.tv_sec);
}

// Returns a connected socket whose calls fail after kPatience, or an invalid one if the peer
// refuses.
UniqueFd Connect(const Endpoint& server, int type) {
  UniqueFd fd(socket(server.family(), type | SOCK_CLOEXEC, 0));
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  if (connect(fd.get(), server.address(), server.address_size()) != 0) fd.reset();
  return fd;
}

class UdpClient : public DnsClient {
 public:
  explicit UdpClient(UniqueFd fd) : DnsClient(/*framed=*/false), fd_(std::move(fd)) {}

  void SendOctets(Bytes octets) override {
    EXPECT_EQ(send(fd_.get(), octets.data(), octets.size(), 0),
              static_cast<ssize_t>(octets.size()));
  }

  std::optional<WireMessage> Receive() override {
    WireMessage message(kMaxMessageSize);
    const ssize_t size = recv(fd_.get(), message.data(), message.size(), 0);
    if (size < 0) return std::nullopt;
    message.resize(static_cast<size_t>(size));
    return message;
  }

 private:
  const UniqueFd fd_;
};

// Reads framed messages from a stream of octets.
class StreamClient : public DnsClient {
 public:
  StreamClient() : DnsClient(/*framed=*/true) {}

  std::optional<WireMessage> Receive() override {
    uint8_t prefix[2];
    if (!ReadAll(prefix, sizeof(prefix))) return std::nullopt;
    WireMessage message(LoadU16(prefix));
    if (!ReadAll(message.data(), message.size())) return std::nullopt;
    return message;
  }

 private:
  // Returns the number of octets read. Returns 0 at the end, and a negative value after a timeout
  // or a broken connection.
  virtual ssize_t Read(uint8_t* octets, size_t size) = 0;

  bool ReadAll(uint8_t* octets, size_t size) {
    for (size_t done = 0; done < size;) {
      const ssize_t count = Read(octets + done, size - done);
      if (count <= 0) {
        at_end_ = count == 0 && done == 0;
        return false;
      }
      done += static_cast<size_t>(count);
    }
    return true;
  }
};

class TcpClient : public StreamClient {
 public:
  explicit TcpClient(UniqueFd fd) : fd_(std::move(fd)) {}

  void SendOctets(Bytes octets) override {
    EXPECT_EQ(send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(octets.size()));
  }
  void FinishSending() override { shutdown(fd_.get(), SHUT_WR); }

 private:
  ssize_t Read(uint8_t* octets, size_t size) override { return recv(fd_.get(), octets, size, 0); }

  const UniqueFd fd_;
};

class DotClient : public StreamClient {
 public:
  explicit DotClient(UniqueFd fd) : fd_(std::move(fd)) {
    gnutls_certificate_allocate_credentials(&credentials_);
    gnutls_certificate_set_x509_trust_file(
        credentials_, GetTestCertificates().ca.certificate_file.c_str(), GNUTLS_X509_FMT_PEM);
    gnutls_init(&session_, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    gnutls_set_default_priority(session_);
    gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_);
    gnutls_session_set_verify_cert(session_, kTestServerName, 0);
    char alpn[] = "dot";
    const gnutls_datum_t protocol = {reinterpret_cast<unsigned char*>(alpn), 3};
    gnutls_alpn_set_protocols(session_, &protocol, 1, 0);
    gnutls_transport_set_int(session_, fd_.get());
  }

  ~DotClient() override {
    gnutls_deinit(session_);
    gnutls_certificate_free_credentials(credentials_);
  }

  bool Handshake() {
    const auto deadline = Deadline();
    int rc = 0;
    do {
      rc = gnutls_handshake(session_);
    } while (gnutls_error_is_fatal(rc) == 0 && rc < 0 &&
             std::chrono::steady_clock::now() < deadline);
    return rc == GNUTLS_E_SUCCESS;
  }

  void SendOctets(Bytes octets) override {
    EXPECT_EQ(gnutls_record_send(session_, octets.data(), octets.size()),
              static_cast<ssize_t>(octets.size()));
  }
  void FinishSending() override {
    gnutls_bye(session_, GNUTLS_SHUT_WR);
    shutdown(fd_.get(), SHUT_WR);
  }

 private:
  ssize_t Read(uint8_t* octets, size_t size) override {
    // GNUTLS_E_AGAIN is also returned when a session ticket arrives.
    const auto deadline = Deadline();
    ssize_t count = 0;
    do {
      count = gnutls_record_recv(session_, octets, size);
    } while (count < 0 && gnutls_error_is_fatal(static_cast<int>(count)) == 0 &&
             std::chrono::steady_clock::now() < deadline);
    return count;
  }

  const UniqueFd fd_;
  gnutls_certificate_credentials_t credentials_ = nullptr;
  gnutls_session_t session_ = nullptr;
};

}  // namespace

std::unique_ptr<DnsClient> DnsClient::Udp(const Endpoint& server) {
  return std::make_unique<UdpClient>(Connect(server, SOCK_DGRAM));
}

std::unique_ptr<DnsClient> DnsClient::Tcp(const Endpoint& server) {
  UniqueFd fd = Connect(server, SOCK_STREAM);
  return fd.valid() ? std::make_unique<TcpClient>(std::move(fd)) : nullptr;
}

std::unique_ptr<DnsClient> DnsClient::Dot(const Endpoint& server) {
  UniqueFd fd = Connect(server, SOCK_STREAM);
  if (!fd.valid()) return nullptr;
  auto client = std::make_unique<DotClient>(std::move(fd));
  return client->Handshake() ? std::move(client) : nullptr;
}

void DnsClient::Send(const WireMessage& message) {
  if (!framed_) return SendOctets(message);
  WireMessage framed(2);
  StoreU16(framed.data(), static_cast<uint16_t>(message.size()));
  framed.insert(framed.end(), message.begin(), message.end());
  SendOctets(framed);
}

std::optional<WireMessage> DnsClient::Exchange(const WireMessage& query) {
  Send(query);
  return Receive();
}

bool DnsClient::ReceiveEnd() { return !Receive().has_value() && at_end_; }

}  // namespace dotcache
