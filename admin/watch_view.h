// SPDX-License-Identifier: Apache-2.0
// The live view of `dotcache ctl watch`.
#ifndef DOTCACHE_ADMIN_WATCH_VIEW_H_
#define DOTCACHE_ADMIN_WATCH_VIEW_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace dotcache {

// Turns replies to GET /watch of the control socket into text. Rates come from the difference to
// the reply before. Pure except for that reply.
class WatchView {
 public:
  // `width`: longer lines are cut. `colour`: states have colours (ANSI).
  WatchView(size_t width, bool colour);
  ~WatchView();

  void set_width(size_t width) { width_ = width; }

  // Lines that end with a newline. Rates of the first reply are "-".
  std::string Render(absl::string_view reply);

 private:
  struct Reply;
  std::string Cut(const std::string& text) const;

  size_t width_;
  const bool colour_;
  std::unique_ptr<Reply> before_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_WATCH_VIEW_H_
