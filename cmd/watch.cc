// SPDX-License-Identifier: Apache-2.0
#include "cmd/watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "admin/watch_view.h"
#include "cmd/control_client.h"
#include "cmd/ctl.h"

namespace dotcache {
namespace {

volatile sig_atomic_t ended = 0;

constexpr size_t kWidthWithoutTerminal = 200;

size_t Width() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

// The terminal in the state for the view: another screen, no cursor, keys without Enter. The
// destructor restores it.
class Screen {
 public:
  explicit Screen(bool active) : active_(active) {
    if (!active_) return;
    std::fputs("\x1b[?1049h\x1b[?25l", stdout);
    reads_keys_ = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &saved_) == 0;
    if (!reads_keys_) return;
    termios raw = saved_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  ~Screen() {
    if (!active_) return;
    if (reads_keys_) tcsetattr(STDIN_FILENO, TCSANOW, &saved_);
    std::fputs("\x1b[?25h\x1b[?1049l", stdout);
    std::fflush(stdout);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Waits for the next view. Returns false if the user or the terminal ends the command.
  bool Wait(int interval_ms) const {
    pollfd keys = {reads_keys_ ? STDIN_FILENO : -1, POLLIN, 0};
    const int ready = poll(&keys, 1, interval_ms);
    if (ended != 0) return false;
    char key = 0;
    return ready <= 0 || (read(STDIN_FILENO, &key, 1) == 1 && key != 'q');
  }

 private:
  const bool active_;
  bool reads_keys_ = false;
  termios saved_ = {};
};

void EndAt(int signal) {
  struct sigaction action = {};
  action.sa_handler = [](int) { ended = 1; };
  sigaction(signal, &action, nullptr);
}

}  // namespace

int RunWatch(const std::string& path, const WatchOptions& options) {
  const bool terminal = isatty(STDOUT_FILENO) == 1 && !options.json;
  WatchView view(terminal ? Width() : kWidthWithoutTerminal,
                 terminal && std::getenv("NO_COLOR") == nullptr);
  EndAt(SIGINT);
  EndAt(SIGTERM);
  std::string error;
  {
    const Screen screen(terminal);
    for (int shown = 0;;) {
      const auto reply = SendControl(path, "GET", "/watch");
      if (!reply.ok()) {
        if (ended == 0) error = std::string(reply.status().message());
        break;
      }
      if (terminal) view.set_width(Width());
      const std::string text = options.json ? reply->body : view.Render(reply->body);
      if (terminal) std::fputs("\x1b[H\x1b[2J", stdout);
      std::fputs(text.c_str(), stdout);
      if (!terminal && !options.json) std::fputs("\n", stdout);
      if (std::fflush(stdout) != 0) break;  // The reader has gone.
      if (++shown == options.count || !screen.Wait(options.interval_ms)) break;
    }
  }
  if (error.empty()) return EXIT_SUCCESS;
  std::fprintf(stderr, "dotcache ctl: %s\n", error.c_str());
  return Ctl::kExitUnreachable;
}

}  // namespace dotcache
