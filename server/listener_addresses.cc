// SPDX-License-Identifier: Apache-2.0
#include "server/listener_addresses.h"

#include <algorithm>

#include "core/log.h"
#include "net/outgoing_socket.h"

namespace dotcache {
namespace {

bool MachineHas(const ListenOptions& listener) {
  Endpoint endpoint = listener.endpoint;
  endpoint.set_port(0);
  return endpoint.is_wildcard() || CheckSource(endpoint).ok();
}

void LogState(LogLevel level, absl::string_view text, const ListenOptions& listener) {
  Log(level, text,
      {{"transport", TransportName(listener.transport)},
       {"address", listener.endpoint.ToString()}});
}

auto IsAt(const ListenOptions& listener) {
  return [&listener](const ListenOptions& other) {
    return other.transport == listener.transport && other.endpoint == listener.endpoint;
  };
}

}  // namespace

void ListenerAddresses::Add(const ListenOptions& listener) {
  listeners_.push_back(listener);
  if (MachineHas(listener)) return;
  Set(listener, false);
  LogState(LogLevel::kWarn, "listener waits for its address: this machine does not have it",
           listener);
}

void ListenerAddresses::Check() {
  for (const ListenOptions& listener : listeners_) {
    const bool has = MachineHas(listener);
    if (has == Has(listener)) continue;
    Set(listener, has);
    LogState(has ? LogLevel::kInfo : LogLevel::kWarn,
             has ? "listener has its address" : "listener has lost its address", listener);
  }
}

bool ListenerAddresses::Has(const ListenOptions& listener) const {
  const MutexLock lock(mutex_);
  return std::none_of(absent_.begin(), absent_.end(), IsAt(listener));
}

void ListenerAddresses::Set(const ListenOptions& listener, bool has) {
  const MutexLock lock(mutex_);
  has ? void(std::erase_if(absent_, IsAt(listener))) : absent_.push_back(listener);
}

}  // namespace dotcache
