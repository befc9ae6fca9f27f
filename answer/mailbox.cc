// SPDX-License-Identifier: Apache-2.0
#include "answer/mailbox.h"

#include <iterator>
#include <utility>

namespace dotcache {

void Mailbox::Open(EventLoop& loop, Reader& reader) {
  const MutexLock lock(mutex_);
  loop_ = &loop;
  reader_ = &reader;
  if (!mail_.queries.empty() || !mail_.replies.empty()) WakeLocked();
}

void Mailbox::Close() {
  Mail dropped;
  const MutexLock lock(mutex_);
  loop_ = nullptr;
  reader_ = nullptr;
  closed_ = true;
  std::swap(dropped, mail_);
}

Mail Mailbox::Take() {
  Mail mail;
  const MutexLock lock(mutex_);
  std::swap(mail, mail_);
  return mail;
}

void Mailbox::Wake() {
  const MutexLock lock(mutex_);
  WakeLocked();
}

bool Mailbox::ReserveQuery() {
  if (queries_.fetch_add(1, std::memory_order_acq_rel) < max_queries_) return true;
  ReleaseQueries(1);
  return false;
}

bool Mailbox::Put(std::vector<HandedQuery>& queries) { return PutIn(&Mail::queries, queries); }

bool Mailbox::Put(std::vector<HandedReply>& replies) { return PutIn(&Mail::replies, replies); }

template <typename T>
bool Mailbox::PutIn(std::vector<T> Mail::*member, std::vector<T>& items) {
  {
    const MutexLock lock(mutex_);
    if (closed_) return false;
    std::vector<T>& held = mail_.*member;
    if (held.empty()) {
      std::swap(held, items);
    } else {
      std::move(items.begin(), items.end(), std::back_inserter(held));
    }
    WakeLocked();
  }
  items.clear();
  return true;
}

void Mailbox::WakeLocked() {
  if (loop_ == nullptr || woken_) return;
  woken_ = true;
  loop_->Post([this] { Deliver(); });
}

// The loop may run this after Close(), so it reads the reader anew.
void Mailbox::Deliver() {
  Reader* reader = nullptr;
  {
    const MutexLock lock(mutex_);
    woken_ = false;
    reader = reader_;
  }
  if (reader != nullptr) reader->OnMail();
}

}  // namespace dotcache
