// SPDX-License-Identifier: Apache-2.0
#include "answer/handoff_board.h"

#include <cassert>

namespace dotcache {

HandoffBoard::HandoffBoard(size_t workers, size_t owners, size_t max_queries, const HashSeed& seed)
    : owners_(owners), seed_(seed) {
  assert(owners >= 1 && owners <= workers);
  for (size_t i = 0; i < workers; ++i) {
    mailboxes_.push_back(std::make_unique<Mailbox>(max_queries));
  }
}

}  // namespace dotcache
