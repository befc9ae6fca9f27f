// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/server_status.h"

#include "core/names.h"

namespace dotcache {
namespace {

constexpr Named<ServerState> kNames[] = {{ServerState::kUp, "up"},
                                         {ServerState::kOnTrial, "on-trial"},
                                         {ServerState::kDown, "down"},
                                         {ServerState::kDead, "dead"},
                                         {ServerState::kNoAddress, "no-address"},
                                         {ServerState::kNoCarrier, "no-carrier"},
                                         {ServerState::kLoop, "loop"}};

}  // namespace

absl::string_view ServerStateName(ServerState state) { return NameOf(kNames, state, "unknown"); }

}  // namespace dotcache
