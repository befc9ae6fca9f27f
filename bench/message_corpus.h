// SPDX-License-Identifier: Apache-2.0
// Messages from files, and what can be made of them.
#ifndef DOTCACHE_BENCH_MESSAGE_CORPUS_H_
#define DOTCACHE_BENCH_MESSAGE_CORPUS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "bench/hostile_messages.h"
#include "core/bytes.h"

namespace dotcache {

// The files of a directory.
std::vector<HostileMessage> ReadCorpus(const std::string& directory);

// `message` with one to four octets, lengths or counts changed, a part left out or doubled.
// Deterministic by `seed`.
WireMessage Mutate(Bytes message, uint64_t seed);

}  // namespace dotcache

#endif  // DOTCACHE_BENCH_MESSAGE_CORPUS_H_
