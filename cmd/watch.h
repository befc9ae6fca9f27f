// SPDX-License-Identifier: Apache-2.0
// `dotcache ctl watch`: a view of a running server that renews itself.
#ifndef DOTCACHE_CMD_WATCH_H_
#define DOTCACHE_CMD_WATCH_H_

#include <string>

namespace dotcache {

struct WatchOptions {
  int interval_ms = 1000;
  int count = 0;  // Views before the end. 0: without end.
  bool json = false;
};

// Shows the server at the control socket `path`. On a terminal, each view replaces the one before,
// and `q` or Ctrl-C ends the command. Otherwise views follow each other. Colours need a terminal
// and an environment without NO_COLOR. Returns the exit status: 0, or Ctl::kExitUnreachable.
int RunWatch(const std::string& path, const WatchOptions& options);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_WATCH_H_
