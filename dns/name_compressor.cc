// SPDX-License-Identifier: Apache-2.0
#include "dns/name_compressor.h"

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "dns/wire_cursor.h"
#include "dns/wire_sizes.h"

namespace dotcache {
namespace {

constexpr size_t kPointerLimit = 0x4000;

size_t HashOf(Bytes canonical) {
  return absl::HashOf(
      absl::string_view(reinterpret_cast<const char*>(canonical.data()), canonical.size()));
}

}  // namespace

void NameCompressor::Append(const DomainName& name) {
  const DomainName canonical = name.Canonical();
  const Bytes octets = canonical.wire();
  const size_t offset = message_.size();
  size_t at = 0;
  for (int labels = 0; labels < kMaxSuffixes && octets[at] != 0; ++labels) {
    const auto known = places_.find(HashOf(octets.subspan(at)));
    if (known != places_.end() && known->second.hops < kMaxHops &&
        IsAt(known->second.offset, name.wire().subspan(at))) {
      const Place place = known->second;
      message_.insert(message_.end(), name.wire().begin(), name.wire().begin() + at);
      message_.resize(message_.size() + 2);
      StoreU16(&message_[message_.size() - 2],
               static_cast<uint16_t>((kPointerBits << 8) | place.offset));
      return NoteSuffixes(canonical, at, offset, place.hops + 1);
    }
    at += size_t{octets[at]} + 1;
  }
  message_.insert(message_.end(), name.wire().begin(), name.wire().end());
  NoteSuffixes(canonical, octets.size(), offset, 0);
}

void NameCompressor::Note(const DomainName& name, size_t offset) {
  const DomainName canonical = name.Canonical();
  NoteSuffixes(canonical, name.size(), offset, 0, canonical.LabelCount());
}

void NameCompressor::NoteSuffixes(const DomainName& canonical, size_t end, size_t offset, int hops,
                                  int max_suffixes) {
  const Bytes octets = canonical.wire();
  size_t at = 0;
  for (int labels = 0; labels < max_suffixes && at < end && octets[at] != 0; ++labels) {
    if (offset + at >= kPointerLimit) return;
    const Place place = {static_cast<uint16_t>(offset + at), hops};
    places_.try_emplace(HashOf(octets.subspan(at)), place);
    at += size_t{octets[at]} + 1;
  }
}

bool NameCompressor::IsAt(size_t offset, Bytes suffix) const {
  WireCursor cursor(message_, offset, message_.size());
  const DomainName found = cursor.ReadName();
  return cursor.ok() && found.wire() == suffix;
}

}  // namespace dotcache
