// SPDX-License-Identifier: Apache-2.0
// A short form of a provider's name, for entries of the cache.
#ifndef DOTCACHE_UPSTREAM_API_ORIGIN_TAG_H_
#define DOTCACHE_UPSTREAM_API_ORIGIN_TAG_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace dotcache {

// Sixteen bits of the name's FNV-1a hash, never 0. The same in every process, so the tag of an
// entry outlives a change of the configuration. A reader compares it with the tags of the providers
// that are configured. Two of ten providers share a tag with a chance of 1 in 1,500.
constexpr uint16_t OriginTag(absl::string_view provider) {
  uint32_t hash = 2166136261;
  for (const char c : provider) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619;
  const auto tag = static_cast<uint16_t>(hash >> 16 ^ hash);
  return tag == 0 ? 1 : tag;
}

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_API_ORIGIN_TAG_H_
