// SPDX-License-Identifier: Apache-2.0
#include "server/session_table.h"

#include <cassert>
#include <utility>
#include <vector>

namespace dotcache {
namespace {

constexpr size_t kLengthPrefix = 2;  // RFC 1035 section 4.2.2.

// LimitUnread() is called after each this many octets of replies.
constexpr size_t kUnreadCheckBytes = size_t{256} * 1024;

}  // namespace

SessionTable::SessionTable(EventLoop& loop, const ServerLimits& limits, WorkerCounters& counters,
                           StreamShares& shares)
    : loop_(loop),
      limits_(limits),
      counters_(counters),
      shares_(shares),
      reply_buffer_(kLengthPrefix + kMaxMessageSize) {}

SessionTable::~SessionTable() {
  for (const auto& [id, slot] : sessions_) shares_.Return(SessionsByClient::KeyOf(slot.of_client));
}

TcpSession* SessionTable::NewSession(Transport transport, const Endpoint& remote,
                                     uint64_t listener_key) {
  assert(handler_ != nullptr);
  const ClientKey client(remote);
  if (!TakeShare(client)) {
    counters_.limit(Limit::kConnectionsPerClient).Add();
    return nullptr;
  }
  if (sessions_.size() >= static_cast<size_t>(limits_.max_stream_connections) &&
      !MakeRoomFor(client)) {
    shares_.Return(client);
    counters_.limit(Limit::kConnections).Add();
    return nullptr;
  }
  const uint64_t id = next_id_++;
  ReplyAddress address;
  address.transport = transport;
  address.client = remote;
  address.session_id = id;
  address.listener_key = listener_key;
  const TcpSession::Environment environment{loop_, *handler_, *this, *this, limits_};
  Slot& slot = sessions_[id];
  slot.session = std::make_unique<TcpSession>(environment, address);
  slot.activity = by_activity_.insert(by_activity_.end(), id);
  slot.of_client = by_client_.Add(client, id);
  counters_.stream_connections_total.Add();
  counters_.stream_connections.Set(sessions_.size());
  return slot.session.get();
}

// Counts a new session of `client`. At its limit, ends an idle session of it. Returns false if all
// its sessions in this worker are busy.
bool SessionTable::TakeShare(const ClientKey& client) {
  if (shares_.Take(client)) return true;
  // The new place is taken before the old one is free: no other worker can take both.
  shares_.TakeBeyondLimit(client);
  const ActivityList* sessions = by_client_.Find(client);
  if (sessions == nullptr || EndIdle(*sessions)) return true;
  shares_.Return(client);
  return false;
}

// Ends a session in favour of a new session of `client`. Returns false if none may be ended.
bool SessionTable::MakeRoomFor(const ClientKey& client) {
  const ActivityList* own = by_client_.Find(client);
  const ActivityList& most = by_client_.Most();
  if (most.size() < (own == nullptr ? 0 : own->size()) + 2) return EndIdle(by_activity_);
  if (EndIdle(most)) return true;
  counters_.limit(Limit::kConnections).Add();
  Find(most.front())->End();
  return true;
}

// Ends the least active session that is idle. Returns false if the first ones are all busy.
bool SessionTable::EndIdle(const ActivityList& ids) {
  int scanned = 0;
  for (const uint64_t id : ids) {
    TcpSession* session = Find(id);
    if (session->idle()) {
      session->End();
      return true;
    }
    if (++scanned == kMaxEvictionScan) break;
  }
  return false;
}

void SessionTable::Drain() {
  const std::vector<uint64_t> ids(by_activity_.begin(), by_activity_.end());
  for (uint64_t id : ids) {
    if (TcpSession* session = Find(id)) session->Drain();
  }
}

TcpSession* SessionTable::Find(uint64_t id) {
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : it->second.session.get();
}

MutableBytes SessionTable::ReserveReply(const ReplyAddress& address) {
  if (Find(address.session_id) == nullptr) return {};
  return absl::MakeSpan(reply_buffer_).subspan(kLengthPrefix);
}

void SessionTable::CommitReply(const ReplyAddress& address, size_t size) {
  TcpSession* session = Find(address.session_id);
  if (session == nullptr) return;
  StoreU16(reply_buffer_.data(), static_cast<uint16_t>(size));
  session->SendReply(Bytes(reply_buffer_).subspan(0, size == 0 ? 0 : kLengthPrefix + size));
  replied_bytes_ += size;
  if (replied_bytes_ >= kUnreadCheckBytes) LimitUnread();
}

void SessionTable::LimitUnread() {
  replied_bytes_ = 0;
  size_t unread = 0;
  for (const auto& [id, slot] : sessions_) unread += slot.session->unread_bytes();
  if (unread <= kMaxUnreadBytes) return;
  const std::vector<uint64_t> ids(by_activity_.begin(), by_activity_.end());
  for (const uint64_t id : ids) {
    TcpSession* session = Find(id);
    const size_t freed = session->unread_bytes();
    if (freed == 0) continue;
    counters_.limit(Limit::kUnread).Add();
    session->End();
    unread -= freed;
    if (unread <= kMaxUnreadBytes) return;
  }
}

void SessionTable::OnHeldBytes(size_t before, size_t now) {
  held_bytes_ += now - before;  // Correct for `now < before` too: unsigned arithmetic wraps.
  if (now > before && held_bytes_ > kMaxUnfinishedBytes) LimitUnfinished();
  counters_.unfinished_bytes.Set(held_bytes_);
}

void SessionTable::LimitUnfinished() {
  if (EndHolders(hellos_) || EndHolders(answered_)) return;
  EndHolders(by_activity_);
}

// Ends sessions that hold octets until the limit is kept. Returns true if it is.
bool SessionTable::EndHolders(const ActivityList& ids) {
  for (auto it = ids.begin(); it != ids.end();) {
    TcpSession* session = Find(*it++);  // Increments first: End() removes the list element.
    if (session->held_bytes() == 0) continue;
    counters_.limit(Limit::kUnfinished).Add();
    session->End();
    if (held_bytes_ <= kMaxUnfinishedBytes) return true;
  }
  return false;
}

SessionTable::ActivityList* SessionTable::InHandshake(HandshakeStep step) {
  if (step == HandshakeStep::kHello) return &hellos_;
  return step == HandshakeStep::kAnswered ? &answered_ : nullptr;
}

void SessionTable::OnHandshakeStep(uint64_t id, HandshakeStep step) {
  Slot& slot = sessions_.at(id);
  if (ActivityList* list = InHandshake(slot.handshake)) list->erase(slot.in_handshake);
  slot.handshake = step;
  if (ActivityList* list = InHandshake(step)) slot.in_handshake = list->insert(list->end(), id);
}

void SessionTable::OnSessionActive(uint64_t id) {
  if (const auto it = sessions_.find(id); it != sessions_.end()) {
    by_activity_.splice(by_activity_.end(), by_activity_, it->second.activity);
    SessionsByClient::SetActive(it->second.of_client);
  }
}

void SessionTable::OnSessionOver(uint64_t id) {
  const auto it = sessions_.find(id);
  if (it == sessions_.end()) return;
  std::unique_ptr<TcpSession> session = std::move(it->second.session);
  by_activity_.erase(it->second.activity);
  if (ActivityList* list = InHandshake(it->second.handshake)) list->erase(it->second.in_handshake);
  shares_.Return(SessionsByClient::KeyOf(it->second.of_client));
  by_client_.Remove(it->second.of_client);
  sessions_.erase(it);
  counters_.stream_connections.Set(sessions_.size());
  loop_.DeferDelete(std::move(session));
}

}  // namespace dotcache
