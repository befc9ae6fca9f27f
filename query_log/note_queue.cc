// SPDX-License-Identifier: Apache-2.0
#include "query_log/note_queue.h"

#include "core/siphash.h"
#include "net/boot_clock.h"

namespace dotcache {

bool NoteQueue::IsSampled(const Endpoint& client, MonoTime received_at) const {
  if (sample_ == 1) return true;
  const auto arrival = static_cast<uint64_t>(received_at.time_since_epoch().count());
  const Bytes octets(reinterpret_cast<const uint8_t*>(&arrival), sizeof(arrival));
  return SipHash13({client.port(), 0}, octets) % static_cast<uint64_t>(sample_) == 0;
}

void NoteQueue::Add(const QueryNote& note, Bytes message) {
  if (!note.is_upstream() && !IsSampled(note.peer, note.begun)) return;
  if (!with_messages_) message = {};
  const MutexLock lock(mutex_);
  if (notes_.size() >= kMaxNotes || octets_ + message.size() > kMaxOctets) return drops_.Add();
  octets_ += message.size();
  notes_.push_back({note, WireMessage(message.begin(), message.end())});
}

void NoteQueue::AddReply(QueryNote note, Bytes message) {
  note.ended = BootTime();
  Add(note, message);
}

void NoteQueue::Take(std::vector<QueuedNote>& notes) {
  const MutexLock lock(mutex_);
  notes_.swap(notes);
  octets_ = 0;
}

}  // namespace dotcache
