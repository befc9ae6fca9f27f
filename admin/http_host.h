// SPDX-License-Identifier: Apache-2.0
// Checks the Host header of HTTP requests.
#ifndef DOTCACHE_ADMIN_HTTP_HOST_H_
#define DOTCACHE_ADMIN_HTTP_HOST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace dotcache {

// Returns true if a Host header is an IP address ("192.0.2.1", "[2001:db8::1]") or `localhost`,
// with or without a port. A web site can point any other name at this server. A page of that site
// in a user's browser could then read our answers (DNS rebinding). Pure.
bool IsAddressOrLocalhost(absl::string_view host);

// Returns true if a Host header is an IP address, `localhost` or one of `names`, with or without a
// port. Pure.
bool IsAllowedHost(absl::string_view host, const std::vector<std::string>& names);

// The name of this machine (uname). A web site does not have it.
std::string MachineName();

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_HTTP_HOST_H_
