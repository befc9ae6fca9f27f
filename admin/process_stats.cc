// SPDX-License-Identifier: Apache-2.0
#include "admin/process_stats.h"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "net/boot_clock.h"

namespace dotcache {
namespace {

std::string Content(const char* path) {
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

double SecondsOf(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

uint64_t StartTime() {
  // Field 22 (proc(5)). The name of the process, which is field 2, may contain spaces.
  const std::string stat = Content("/proc/self/stat");
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  uint64_t ticks = 0;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  fields >> ticks;
  const auto since_boot = static_cast<int64_t>(ticks) / sysconf(_SC_CLK_TCK);
  const auto now = std::chrono::floor<Seconds>(BootTime().time_since_epoch()).count();
  return static_cast<uint64_t>(UnixTime() - (now - since_boot));
}

}  // namespace

uint64_t NumberAfter(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, key.size(), key) == 0) {
      return std::strtoull(line.c_str() + key.size(), nullptr, 10);
    }
  }
  return 0;
}

uint64_t CountOpenDescriptors(int table_size) {
  std::array<pollfd, 256> chunk;
  uint64_t open = 0;
  for (int first = 0; first < table_size; first += static_cast<int>(chunk.size())) {
    const int count = std::min(table_size - first, static_cast<int>(chunk.size()));
    for (int i = 0; i < count; ++i) chunk[i] = {first + i, 0, 0};
    if (poll(chunk.data(), static_cast<nfds_t>(count), 0) < 0) return open;
    open += static_cast<uint64_t>(
        std::count_if(chunk.begin(), chunk.begin() + count,
                      [](const pollfd& fd) { return (fd.revents & POLLNVAL) == 0; }));
  }
  return open;
}

ProcessStats ReadProcessStats() {
  static const uint64_t start_time = StartTime();
  ProcessStats stats;
  stats.start_time = start_time;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  stats.cpu_seconds = SecondsOf(usage.ru_utime) + SecondsOf(usage.ru_stime);
  std::istringstream pages(Content("/proc/self/statm"));
  pages >> stats.virtual_bytes >> stats.resident_bytes;
  const auto page_size = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  stats.virtual_bytes *= page_size;
  stats.resident_bytes *= page_size;
  const uint64_t table = NumberAfter(Content("/proc/self/status"), "FDSize:");
  stats.open_descriptors = CountOpenDescriptors(static_cast<int>(table));
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  stats.max_descriptors = limit.rlim_cur;
  return stats;
}

}  // namespace dotcache
