// SPDX-License-Identifier: Apache-2.0
// The CPUs and the memory that this process may use.
#ifndef DOTCACHE_CMD_MACHINE_LIMITS_H_
#define DOTCACHE_CMD_MACHINE_LIMITS_H_

#include <cstdint>
#include <limits>
#include <string>

namespace dotcache {

struct MachineLimits {
  int cpus = 1;
  // The lower of the machine's memory and the limit of the control group.
  uint64_t memory_bytes = std::numeric_limits<uint64_t>::max();
  bool memory_is_of_group = false;
};

// Reads the control groups of this process (cgroups(7), versions 1 and 2) and the memory of the
// machine. The limits of all groups above count, too. A quota of 1.5 CPUs counts as 2. `affinity`
// is the number of CPUs on which the process may run. What cannot be read is no limit. `root` is
// the folder that holds proc/ and sys/.
MachineLimits ReadMachineLimits(int affinity, const std::string& root = "");

// The same for this process, which reads its own affinity.
MachineLimits OwnMachineLimits();

}  // namespace dotcache

#endif  // DOTCACHE_CMD_MACHINE_LIMITS_H_
