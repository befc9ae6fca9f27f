// SPDX-License-Identifier: Apache-2.0
// Internationalized names in the form that DNS and certificates use.
#ifndef DOTCACHE_NET_TLS_IDNA_H_
#define DOTCACHE_NET_TLS_IDNA_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace dotcache {

// The form of a UTF-8 name with labels that begin with "xn--" (RFC 5890 section 2.3.2.1). nullopt
// if it has none.
std::optional<std::string> ToAsciiName(absl::string_view name);

}  // namespace dotcache

#endif  // DOTCACHE_NET_TLS_IDNA_H_
