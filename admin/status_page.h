// SPDX-License-Identifier: Apache-2.0
// The files of the status page.
#ifndef DOTCACHE_ADMIN_STATUS_PAGE_H_
#define DOTCACHE_ADMIN_STATUS_PAGE_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace dotcache {

struct PageFile {
  absl::string_view path;  // "/", "/status.css" or "/status.js".
  absl::string_view content_type;
  absl::string_view content;
};

// The files of admin/status_page/. The build writes them into a source file.
absl::Span<const PageFile> StatusPageFiles();

// Returns null for another path.
const PageFile* FindPageFile(absl::string_view path);

// The Content-Security-Policy of every response: the page loads nothing from elsewhere, and runs no
// script in its text.
inline constexpr char kContentPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_STATUS_PAGE_H_
