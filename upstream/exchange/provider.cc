// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/provider.h"

#include <algorithm>
#include <cstddef>

namespace dotcache {

bool Provider::NoteWrongError(Rcode rcode, uint64_t name_hash, MonoTime now) {
  rcode_ = rcode;
  if (!erring_ && now - window_began_ > kWindow) {
    errors_ = 0;
    name_count_ = 0;
  }
  if (errors_++ == 0) window_began_ = now;
  const auto end = names_.begin() + static_cast<std::ptrdiff_t>(name_count_);
  if (name_count_ < kNames && std::find(names_.begin(), end, name_hash) == end) {
    names_[name_count_++] = name_hash;
  }
  if (erring_ || errors_ < kErrors || name_count_ < kNames) return false;
  erring_ = true;
  probed_ = now;
  return true;
}

bool Provider::NoteUsable() {
  errors_ = 0;
  name_count_ = 0;
  return std::exchange(erring_, false);
}

bool Provider::TakeProbe(MonoTime now) {
  if (!erring_ || now - probed_ < kProbeInterval) return false;
  probed_ = now;
  return true;
}

bool Provider::NoteStall(MonoTime now) {
  if (!stalled_.has_value() || now - *stalled_ > kNoStalls) stalls_began_ = now;
  stalled_ = now;
  return now - stalls_began_ <= kFirstStalls;
}

}  // namespace dotcache
