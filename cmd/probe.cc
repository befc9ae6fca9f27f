// SPDX-License-Identifier: Apache-2.0
#include "cmd/probe.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "dns/message_header.h"
#include "dns/message_writer.h"
#include "dns/question.h"
#include "net/boot_clock.h"
#include "net/outgoing_socket.h"
#include "net/unique_fd.h"

namespace dotcache {
namespace {

constexpr int kTries = 3;
constexpr Milliseconds kTimeout{3000};
constexpr uint16_t kDnsPort = 53;
constexpr size_t kMaxMessage = 512;

absl::StatusOr<Endpoint> ParseAddress(const std::string& text) {
  const auto address = Endpoint::ParseAddress(text, kDnsPort);
  if (address.ok()) return *address;
  return Endpoint::Parse(text);
}

absl::Status CannotReach(const Endpoint& server) {
  const int error = errno;
  return absl::ErrnoToStatus(error, server.ToString());
}

// Waits for the reply to this query. Other datagrams are ignored.
absl::StatusOr<Rcode> Receive(int fd, const Endpoint& server, uint16_t id, const Question& question,
                              MonoTime deadline) {
  std::array<uint8_t, kMaxMessage> buffer;
  while (true) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - BootTime());
    pollfd waiting = {fd, POLLIN, 0};
    if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) == 0) {
      return absl::DeadlineExceededError(absl::StrCat(server.ToString(), ": no reply"));
    }
    const ssize_t size = recv(fd, buffer.data(), buffer.size(), 0);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size < 0) return CannotReach(server);
    const Bytes message(buffer.data(), static_cast<size_t>(size));
    if (message.size() < kHeaderSize) continue;
    const MessageHeader header = LoadHeader(message);
    if (header.id != id || !header.Has(kFlagQr) || !question.MatchesMessage(message)) continue;
    return header.header_rcode();
  }
}

}  // namespace

absl::StatusOr<Rcode> Probe(const Endpoint& server, const DomainName& name, Milliseconds timeout) {
  absl::BitGen random;
  const auto id = absl::Uniform<uint16_t>(random);
  const Question question{name.Canonical(), QType::kA, QClass::kIn};
  std::array<uint8_t, kMaxMessage> buffer;
  MessageWriter writer(MutableBytes(buffer), {.id = id, .flags = kFlagRd});
  writer.AddQuestion(question.qname, question.qtype, question.qclass);
  const UniqueFd fd = OpenOutgoing(server, OutgoingKind::kUdp, {});
  if (!fd.valid() || connect(fd.get(), server.address(), server.address_size()) != 0) {
    return CannotReach(server);
  }
  absl::StatusOr<Rcode> outcome = absl::UnknownError("");
  for (int i = 0; i < kTries; ++i) {
    if (send(fd.get(), buffer.data(), writer.size(), 0) < 0) return CannotReach(server);
    outcome = Receive(fd.get(), server, id, question, BootTime() + timeout / kTries);
    if (!absl::IsDeadlineExceeded(outcome.status())) break;
  }
  return outcome;
}

absl::StatusOr<Endpoint> ProbedAddress(const Config& config) {
  for (const ListenOptions& listen : config.server.listen) {
    if (listen.transport != Transport::kUdp) continue;
    if (!listen.endpoint.is_wildcard()) return listen.endpoint;
    return Endpoint::ParseAddress(listen.endpoint.is_v6() ? "::1" : "127.0.0.1",
                                  listen.endpoint.port());
  }
  return absl::FailedPreconditionError("no listener uses UDP; name an address");
}

int RunProbe(const ConfigSources& sources, const std::string& address, const std::string& name) {
  const auto fail = [](absl::string_view cause) {
    std::fprintf(stderr, "dotcache probe: %s\n", std::string(cause).c_str());
    return EXIT_FAILURE;
  };
  absl::StatusOr<Endpoint> server = absl::UnknownError("");
  if (address.empty()) {
    const LoadedConfig loaded = LoadConfig(sources);
    if (!loaded.errors.empty()) return fail(loaded.errors.front().ToString());
    server = ProbedAddress(loaded.config);
  } else {
    server = ParseAddress(address);
  }
  if (!server.ok()) return fail(server.status().message());
  const auto qname = DomainName::FromText(name.empty() ? "localhost" : name);
  if (!qname.ok()) return fail(absl::StrCat(name, ": ", qname.status().message()));
  const absl::StatusOr<Rcode> rcode = Probe(*server, *qname, kTimeout);
  if (!rcode.ok()) return fail(rcode.status().message());
  const bool answered = *rcode == Rcode::kNoError || *rcode == Rcode::kNxDomain;
  const bool good = name.empty() ? *rcode != Rcode::kServFail : answered;
  std::fprintf(good ? stdout : stderr, "%s: %s\n", server->ToString().c_str(),
               std::string(RcodeName(*rcode)).c_str());
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace dotcache
