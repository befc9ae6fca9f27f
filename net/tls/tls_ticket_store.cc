// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "net/tls/tls_session.h"

namespace dotcache {
namespace {

constexpr size_t kMaxTickets = 4;

}  // namespace

void TlsTicketStore::Put(Ticket ticket) {
  if (tickets_.size() == kMaxTickets) tickets_.erase(tickets_.begin());
  tickets_.push_back(std::move(ticket));
}

TlsTicketStore::Ticket TlsTicketStore::Take() {
  while (!tickets_.empty()) {
    Ticket newest = std::move(tickets_.back());
    tickets_.pop_back();
    if (now_() < newest.usable_until) return newest;
  }
  return {};
}

}  // namespace dotcache
