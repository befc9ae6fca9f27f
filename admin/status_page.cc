// SPDX-License-Identifier: Apache-2.0
#include "admin/status_page.h"

namespace dotcache {

const PageFile* FindPageFile(absl::string_view path) {
  for (const PageFile& file : StatusPageFiles()) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

}  // namespace dotcache
