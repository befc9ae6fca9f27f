// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/edns_support.h"

#include <utility>

namespace dotcache {
namespace {

bool MayBeAboutEdns(Rcode rcode) {
  return rcode == Rcode::kFormErr || rcode == Rcode::kNotImp || rcode == Rcode::kBadVers;
}

}  // namespace

std::optional<EdnsUse> EdnsSupport::Lower(const ResponseFacts& response, EdnsUse used) {
  if (used == EdnsUse::kNone || !MayBeAboutEdns(response.rcode)) return std::nullopt;
  if (!response.edns.present || response.rcode == Rcode::kBadVers) return EdnsUse::kNone;
  if (response.rcode == Rcode::kFormErr && used == EdnsUse::kFull) return EdnsUse::kWithoutOptions;
  return std::nullopt;
}

bool EdnsSupport::NoteResponse(const ResponseFacts& response, EdnsUse used, MonoTime now) {
  if (MayBeAboutEdns(response.rcode)) return false;
  if (used == EdnsUse::kFull) {
    if (!response.edns.present) return false;
    told_ = EdnsUse::kFull;
    understood_ = now;
    return false;
  }
  // Learned once for each kMemory. Responses to queries that follow do not prolong it.
  if (used <= UseAt(now)) return false;
  if (understood_ != MonoTime() && now - understood_ < kMemory) return false;
  use_ = used;
  until_ = now + kMemory;
  return std::exchange(told_, used) != used;
}

}  // namespace dotcache
