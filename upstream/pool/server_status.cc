// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/server_status.h"

namespace dotcache {

absl::string_view ServerStateName(ServerState state) {
  switch (state) {
    case ServerState::kUp:
      return "up";
    case ServerState::kOnTrial:
      return "on-trial";
    case ServerState::kDown:
      return "down";
    case ServerState::kDead:
      return "dead";
    case ServerState::kNoAddress:
      return "no-address";
    case ServerState::kNoCarrier:
      return "no-carrier";
    case ServerState::kLoop:
      return "loop";
  }
  return "unknown";
}

}  // namespace dotcache
