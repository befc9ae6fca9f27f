// SPDX-License-Identifier: Apache-2.0
// What the kernel says about this process.
#ifndef DOTCACHE_ADMIN_PROCESS_STATS_H_
#define DOTCACHE_ADMIN_PROCESS_STATS_H_

#include <cstdint>
#include <string>

namespace dotcache {

// Values that cannot be read are 0.
struct ProcessStats {
  double cpu_seconds = 0;  // User and system time of all threads.
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t open_descriptors = 0;
  uint64_t max_descriptors = 0;
  uint64_t start_time = 0;  // Unix time. The same in all calls.
};

// Any thread may call it. Takes less than a millisecond. It works without the right to read
// /proc/self/fd, which a process loses when it gives up root.
ProcessStats ReadProcessStats();

// How many of the descriptors below `table_size` are open.
uint64_t CountOpenDescriptors(int table_size);

// The number behind `key` ("FDSize:") at the start of a line. 0 if there is none. Pure.
uint64_t NumberAfter(const std::string& text, const std::string& key);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_PROCESS_STATS_H_
