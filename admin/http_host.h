// SPDX-License-Identifier: Apache-2.0
// The Host header of HTTP requests.
#ifndef DOTCACHE_ADMIN_HTTP_HOST_H_
#define DOTCACHE_ADMIN_HTTP_HOST_H_

#include "absl/strings/string_view.h"

namespace dotcache {

// Whether a Host header is an IP address ("192.0.2.1", "[2001:db8::1]") or `localhost`, with any
// port or none. Any other name may be that of a web site which points it at us, so that the page in
// a browser behind us may read what we answer (DNS rebinding). Pure.
bool IsHostOfNoWebSite(absl::string_view host);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_HTTP_HOST_H_
