// SPDX-License-Identifier: Apache-2.0
// Which listeners wait for their address.
#ifndef DOTCACHE_SERVER_LISTENER_ADDRESSES_H_
#define DOTCACHE_SERVER_LISTENER_ADDRESSES_H_

#include <vector>

#include "absl/base/thread_annotations.h"
#include "core/mutex.h"
#include "server/server_options.h"

namespace dotcache {

// Knows which of the listeners have an address that this machine does not have now. Such a listener
// is bound all the same (AbsentAddress::kBind). One thread adds listeners and calls Check(). Any
// thread may call Has() for a listener that was added.
class ListenerAddresses {
 public:
  // Logs a warning if this machine does not have the address.
  void Add(const ListenOptions& listener);

  // Logs which listeners have got or lost their address since the previous call.
  void Check();

  bool Has(const ListenOptions& listener) const;

 private:
  void Set(const ListenOptions& listener, bool has);

  std::vector<ListenOptions> listeners_;
  mutable Mutex mutex_;
  std::vector<ListenOptions> absent_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_LISTENER_ADDRESSES_H_
