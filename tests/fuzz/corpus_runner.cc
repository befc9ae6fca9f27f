// SPDX-License-Identifier: Apache-2.0
// Feeds every file of the directories on the command line to a fuzz target, so that the corpora are
// tests in builds without libFuzzer.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/fuzz_target.h"

int main(int argc, char** argv) {
  int count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> octets{std::istreambuf_iterator<char>(file), {}};
      // Named first: when the target ends the process, this is the last line.
      std::printf("%s\n", entry.path().c_str());
      std::fflush(stdout);
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(octets.data()), octets.size());
      ++count;
    }
  }
  if (count == 0) std::fprintf(stderr, "no files to run\n");
  return count == 0 ? 1 : 0;
}
