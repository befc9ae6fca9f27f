// SPDX-License-Identifier: Apache-2.0
// Which worker owns a name, and the mailboxes of all workers.
#ifndef DOTCACHE_ANSWER_HANDOFF_BOARD_H_
#define DOTCACHE_ANSWER_HANDOFF_BOARD_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "answer/mailbox.h"
#include "core/siphash.h"
#include "dns/domain_name.h"

namespace dotcache {

// What the workers of one server share to hand over cache misses. The first `owners` workers have
// upstream servers; each name belongs to one of them. The name determines its zone, so the hash of
// the name is enough. Any thread may call any function. Outlives all workers.
class HandoffBoard {
 public:
  // REQUIRES: 1 <= owners <= workers.
  HandoffBoard(size_t workers, size_t owners, size_t max_queries, const HashSeed& seed);

  size_t worker_count() const { return mailboxes_.size(); }

  // The worker that forwards queries for this name (canonical).
  size_t OwnerOf(const DomainName& qname) const {
    return owners_ == 1 ? 0 : SipHash13(seed_, qname.wire()) % owners_;
  }

  Mailbox& mailbox(size_t worker) { return *mailboxes_[worker]; }

  // One worker hands over no more queries. Each worker calls it once.
  void NoteFinished() { finished_.fetch_add(1, std::memory_order_acq_rel); }
  bool all_finished() const {
    return finished_.load(std::memory_order_acquire) == mailboxes_.size();
  }

 private:
  const size_t owners_;
  const HashSeed seed_;
  std::vector<std::unique_ptr<Mailbox>> mailboxes_;
  std::atomic<size_t> finished_{0};
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_HANDOFF_BOARD_H_
