// SPDX-License-Identifier: Apache-2.0
// One server of a zone, as selection and decision see it.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_SERVER_VIEW_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_SERVER_VIEW_H_

#include <cstdint>

#include "upstream/pool/server_status.h"

namespace dotcache {

// A value.
struct ServerView {
  ServerStatus status;
  uint8_t provider = 0;        // The same number for all addresses of a provider.
  uint64_t provider_hash = 0;  // The same after a restart.
  double weight = 1;           // Its part of its provider's weight; above 0.
  bool metered = false;        // It is not queried for speed only.
  bool datagrams = false;      // A query may be lost without a sign.
  bool may_retry = true;       // The provider's budget for retries has one left.
  bool erring = false;         // Its provider answers with errors only.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_SERVER_VIEW_H_
