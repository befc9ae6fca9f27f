// SPDX-License-Identifier: Apache-2.0
// Reads messages from files and mutates them.
#ifndef DOTCACHE_BENCH_MESSAGE_CORPUS_H_
#define DOTCACHE_BENCH_MESSAGE_CORPUS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "bench/hostile_messages.h"
#include "core/bytes.h"

namespace dotcache {

// Returns the files of a directory, sorted by name.
std::vector<HostileMessage> ReadCorpus(const std::string& directory);

// Returns `message` with one to four changes: an octet, a bit or a count is changed, or a part is
// cut off or repeated. The same seed gives the same result.
WireMessage Mutate(Bytes message, uint64_t seed);

}  // namespace dotcache

#endif  // DOTCACHE_BENCH_MESSAGE_CORPUS_H_
