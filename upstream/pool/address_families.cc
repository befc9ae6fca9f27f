// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/address_families.h"

#include <algorithm>

#include "core/log.h"

namespace dotcache {
namespace {

constexpr size_t kServersToFail = 2;

bool SaysNothingCame(UpstreamFailure failure) {
  return failure == UpstreamFailure::kUnreachable || failure == UpstreamFailure::kConnectTimeout ||
         failure == UpstreamFailure::kConnectFailed;
}

}  // namespace

void AddressFamilies::NoteFailure(bool is_v6, int server_index, UpstreamFailure failure) {
  if (failure == UpstreamFailure::kOutOfResources) return;
  if (!SaysNothingCame(failure)) return NoteReached(is_v6);
  std::vector<int>& unreachable = family(is_v6).unreachable;
  const bool is_known =
      std::find(unreachable.begin(), unreachable.end(), server_index) != unreachable.end();
  if (!is_known && unreachable.size() < kServersToFail) unreachable.push_back(server_index);
  Judge();
}

void AddressFamilies::NoteReached(bool is_v6) {
  if (family(is_v6).reached && family(is_v6).unreachable.empty()) return;
  family(is_v6).reached = true;
  family(is_v6).unreachable.clear();
  Judge();
}

bool AddressFamilies::Fails(bool is_v6) const {
  return family(is_v6).unreachable.size() >= kServersToFail;
}

void AddressFamilies::Judge() {
  for (const bool is_v6 : {false, true}) {
    const bool broken = Fails(is_v6) && family(!is_v6).reached && !Fails(!is_v6);
    if (broken == family(is_v6).broken) continue;
    family(is_v6).broken = broken;
    if (!log_changes_) continue;
    Log(LogLevel::kInfo, broken ? "address family does not work" : "address family works again",
        {{"family", is_v6 ? "IPv6" : "IPv4"}});
  }
}

}  // namespace dotcache
