// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/server_status.h"

#include <iterator>

#include "core/names.h"

namespace dotcache {

constexpr absl::string_view kNames[] = {"up",         "on-trial",   "down", "dead",
                                        "no-address", "no-carrier", "loop"};
static_assert(std::size(kNames) == static_cast<size_t>(ServerState::kLoop) + 1);

absl::string_view ServerStateName(ServerState state) { return NameInOrder(kNames, state); }

}  // namespace dotcache
