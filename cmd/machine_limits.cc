// SPDX-License-Identifier: Apache-2.0
#include "cmd/machine_limits.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace dotcache {
namespace {

// Version 1 has no word for "no limit" of memory, but a number near 2^63.
constexpr uint64_t kNoLimit = uint64_t{1} << 60;

// Empty if it cannot be read.
std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::optional<uint64_t> NumberIn(absl::string_view text) {
  uint64_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) return std::nullopt;
  return number;
}

// The folders of a group and of all groups above it, up to `mount`. Inside a container, `mount`
// may be the folder of the group itself; the folders below it then do not exist.
std::vector<std::string> FoldersOf(const std::string& mount, std::string group) {
  std::vector<std::string> folders;
  while (group.size() > 1) {
    folders.push_back(absl::StrCat(mount, group));
    group.resize(group.rfind('/'));
  }
  folders.push_back(mount);
  return folders;
}

class LimitReader {
 public:
  LimitReader(int affinity, const std::string& root) : root_(root) { limits_.cpus = affinity; }

  MachineLimits Read() {
    ReadMachineMemory();
    for (absl::string_view line : absl::StrSplit(ReadText(root_ + "/proc/self/cgroup"), '\n')) {
      // HIERARCHY:CONTROLLERS:GROUP, and version 2 has no controllers.
      const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
      if (parts.size() == 3 && absl::StartsWith(parts[2], "/")) ReadGroup(parts[1], parts[2]);
    }
    limits_.cpus = std::max(limits_.cpus, 1);
    return limits_;
  }

 private:
  void ReadMachineMemory() {
    for (absl::string_view line : absl::StrSplit(ReadText(root_ + "/proc/meminfo"), '\n')) {
      const std::vector<absl::string_view> parts = absl::StrSplit(line, ' ', absl::SkipEmpty());
      if (parts.size() < 2 || parts[0] != "MemTotal:") continue;
      if (const auto kib = NumberIn(parts[1])) limits_.memory_bytes = *kib * 1024;
    }
  }

  void ReadGroup(const std::string& controllers, const std::string& group) {
    const std::string mount = root_ + "/sys/fs/cgroup";
    if (controllers.empty()) {
      for (const std::string& folder : FoldersOf(mount, group)) {
        const std::vector<std::string> quota = absl::StrSplit(ReadText(folder + "/cpu.max"), ' ');
        if (quota.size() == 2) LimitCpus(NumberIn(quota[0]), NumberIn(quota[1]));
        LimitMemory(NumberIn(ReadText(folder + "/memory.max")));
      }
      return;
    }
    const std::vector<std::string> names = absl::StrSplit(controllers, ',');
    if (std::find(names.begin(), names.end(), "cpu") != names.end()) {
      for (const std::string& folder : FoldersOf(absl::StrCat(mount, "/", controllers), group)) {
        LimitCpus(NumberIn(ReadText(folder + "/cpu.cfs_quota_us")),
                  NumberIn(ReadText(folder + "/cpu.cfs_period_us")));
      }
    }
    if (std::find(names.begin(), names.end(), "memory") != names.end()) {
      for (const std::string& folder : FoldersOf(absl::StrCat(mount, "/", controllers), group)) {
        LimitMemory(NumberIn(ReadText(folder + "/memory.limit_in_bytes")));
      }
    }
  }

  void LimitCpus(std::optional<uint64_t> quota, std::optional<uint64_t> period) {
    if (!quota.has_value() || period.value_or(0) == 0) return;
    const uint64_t cpus = *quota / *period + (*quota % *period == 0 ? 0 : 1);
    if (cpus < static_cast<uint64_t>(limits_.cpus)) limits_.cpus = static_cast<int>(cpus);
  }

  void LimitMemory(std::optional<uint64_t> bytes) {
    if (!bytes.has_value() || *bytes >= kNoLimit || *bytes >= limits_.memory_bytes) return;
    limits_.memory_bytes = *bytes;
    limits_.memory_is_of_group = true;
  }

  const std::string root_;
  MachineLimits limits_;
};

}  // namespace

MachineLimits ReadMachineLimits(int affinity, const std::string& root) {
  return LimitReader(affinity, root).Read();
}

MachineLimits OwnMachineLimits() {
  return ReadMachineLimits(static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace dotcache
