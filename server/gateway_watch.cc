// SPDX-License-Identifier: Apache-2.0
#include "server/gateway_watch.h"

#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "core/log.h"

namespace dotcache {
namespace {

constexpr uint32_t kIsGateway = 2;  // RTF_GATEWAY.

std::optional<uint32_t> HexIn(absl::string_view text) {
  uint32_t number = 0;
  if (!absl::SimpleHexAtoi(text, &number)) return std::nullopt;
  return number;
}

}  // namespace

std::vector<Endpoint> DefaultGateways(const std::string& routes) {
  std::vector<Endpoint> gateways;
  for (absl::string_view line : absl::StrSplit(routes, '\n')) {
    // Iface Destination Gateway Flags ...; addresses are in the byte order of the machine.
    const std::vector<absl::string_view> columns =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (columns.size() < 4) continue;
    const auto gateway = HexIn(columns[2]);
    if (HexIn(columns[1]) != 0 || !gateway || (HexIn(columns[3]).value_or(0) & kIsGateway) == 0) {
      continue;
    }
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = *gateway;
    gateways.push_back(Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&address)));
  }
  return gateways;
}

std::vector<Endpoint> GatewayWatch::OwnGateways() {
  if (access("/.dockerenv", F_OK) != 0 && access("/run/.containerenv", F_OK) != 0) return {};
  std::ifstream routes("/proc/net/route");
  return DefaultGateways(std::string(std::istreambuf_iterator<char>(routes), {}));
}

bool GatewayWatch::Look(const Endpoint& client) {
  const bool is_gateway = std::any_of(
      gateways_.begin(), gateways_.end(),
      [&client](const Endpoint& gateway) { return gateway.octets() == client.octets(); });
  if (!is_gateway || !waits_.exchange(false)) return false;
  Log(LogLevel::kWarn,
      "a query came from the container's gateway: a proxy may hide the addresses of clients, so "
      "access rules and rates do not tell them apart; publish the port on one address, or use the "
      "host's network",
      {{"client", client.AddressToString()}});
  return true;
}

}  // namespace dotcache
