// SPDX-License-Identifier: Apache-2.0
// A list whose items hold their own links.
#ifndef DOTCACHE_CORE_CHAIN_H_
#define DOTCACHE_CORE_CHAIN_H_

#include <cassert>
#include <cstddef>

namespace dotcache {

// The place of an item in one Chain. The item holds it, and stays where it is in memory while it is
// in the chain. A copy is in no chain.
template <typename T>
struct ChainLink {
  T* item = nullptr;  // Null: in no chain.
  ChainLink* before = nullptr;
  ChainLink* after = nullptr;
};

// A doubly linked list. To add or remove an item costs no allocation, which a std::list makes for
// each. Owns nothing. Not thread-safe.
template <typename T>
class Chain {
 public:
  bool empty() const { return first_ == nullptr; }
  size_t size() const { return size_; }
  // REQUIRES: the chain is not empty.
  T& front() const { return *first_->item; }
  T& back() const { return *last_->item; }

  // Adds the item at the end. REQUIRES: `link` belongs to it and is in no chain.
  void Append(ChainLink<T>& link, T& item) {
    assert(link.item == nullptr);
    link = {&item, last_, nullptr};
    (last_ == nullptr ? first_ : last_->after) = &link;
    last_ = &link;
    ++size_;
  }

  // REQUIRES: the link is in this chain.
  void Remove(ChainLink<T>& link) {
    assert(link.item != nullptr && size_ > 0);
    (link.before == nullptr ? first_ : link.before->after) = link.after;
    (link.after == nullptr ? last_ : link.after->before) = link.before;
    link = {};
    --size_;
  }

 private:
  ChainLink<T>* first_ = nullptr;
  ChainLink<T>* last_ = nullptr;
  size_t size_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_CORE_CHAIN_H_
