// SPDX-License-Identifier: Apache-2.0
// LoadConfig() on any file: an error with its place, or a configuration whose printed form reads
// back to the same.
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/config.h"
#include "net/unique_fd.h"
#include "tests/fuzz/fuzz_target.h"

using namespace dotcache;  // NOLINT

namespace {

LoadedConfig Load(absl::string_view text) {
  const UniqueFd file(memfd_create("config", 0));
  FUZZ_CHECK(write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  const auto none = [](const std::string&) { return std::optional<std::string>(); };
  return LoadConfig({{}, none, absl::StrCat("/proc/self/fd/", file.get())});
}

// Comments carry the names of presets, which the printed form does not keep.
std::string WithoutComments(std::string yaml) {
  for (size_t at; (at = yaml.find("  # ")) != std::string::npos;) {
    yaml.erase(at, yaml.find('\n', at) - at);
  }
  return yaml;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const LoadedConfig loaded = Load({reinterpret_cast<const char*>(data), size});
  for (const ConfigError& error : loaded.errors) FUZZ_CHECK(!error.origin.empty());
  if (!loaded.errors.empty()) return 0;
  const std::string printed = FormatConfig(loaded.config);
  const LoadedConfig again = Load(printed);
  FUZZ_CHECK(again.errors.empty());
  FUZZ_CHECK(WithoutComments(FormatConfig(again.config)) == WithoutComments(printed));
  return 0;
}
