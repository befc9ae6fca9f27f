// SPDX-License-Identifier: Apache-2.0
// The common parts of all fuzz targets.
#ifndef DOTCACHE_TESTS_FUZZ_FUZZ_TARGET_H_
#define DOTCACHE_TESTS_FUZZ_FUZZ_TARGET_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>

// One input of libFuzzer, or one file of a corpus (corpus_runner.cc).
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// An invariant of the code under test. Ends the process in all builds, so that the input is kept.
#define FUZZ_CHECK(condition)                                                        \
  do {                                                                               \
    if (!(condition)) {                                                              \
      std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                  \
    }                                                                                \
  } while (false)

#endif  // DOTCACHE_TESTS_FUZZ_FUZZ_TARGET_H_
