// SPDX-License-Identifier: Apache-2.0
#include "core/test_delay.h"

#ifdef DOTCACHE_TEST_DELAYS

#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace dotcache {
namespace {

// In the order of Seam.
constexpr std::array<absl::string_view, kSeamCount> kSeamNames = {
    "bind", "plan",  "start", "worker",  "started", "ready",
    "stop", "drain", "join",  "stopped", "admin",   "insert"};

// No test waits longer for a start.
constexpr int kMaxMilliseconds = 60'000;

std::array<Milliseconds, kSeamCount> FromEnvironment() {
  const char* text = std::getenv("DOTCACHE_TEST_DELAY");
  const auto delays = ParseTestDelays(text == nullptr ? "" : text);
  if (delays.ok()) return *delays;
  std::fprintf(stderr, "DOTCACHE_TEST_DELAY: %s\n", std::string(delays.status().message()).c_str());
  std::_Exit(EXIT_FAILURE);
}

}  // namespace

absl::StatusOr<std::array<Milliseconds, kSeamCount>> ParseTestDelays(absl::string_view text) {
  std::array<Milliseconds, kSeamCount> delays = {};
  if (text.empty()) return delays;
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(item, absl::MaxSplits(':', 1));
    int milliseconds = 0;
    if (!absl::SimpleAtoi(parts.back(), &milliseconds) || milliseconds < 0 ||
        milliseconds > kMaxMilliseconds) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", item, "\": write 0 to ", kMaxMilliseconds, " milliseconds"));
    }
    bool found = parts.size() == 1;
    for (size_t i = 0; i < kSeamCount; ++i) {
      if (parts.size() > 1 && parts.front() != kSeamNames[i]) continue;
      delays[i] = Milliseconds{milliseconds};
      found = true;
    }
    if (!found) {
      return absl::InvalidArgumentError(absl::StrCat(
          "no seam \"", parts.front(), "\"; known: ", absl::StrJoin(kSeamNames, ", ")));
    }
  }
  return delays;
}

void TestDelay(Seam seam) {
  static const std::array<Milliseconds, kSeamCount> delays = FromEnvironment();
  const Milliseconds delay = delays[static_cast<size_t>(seam)];
  if (delay.count() > 0) std::this_thread::sleep_for(delay);
}

}  // namespace dotcache

#endif
