// SPDX-License-Identifier: Apache-2.0
#include "net/tls/idna.h"

#include <gnutls/gnutls.h>

namespace dotcache {

std::optional<std::string> ToAsciiName(absl::string_view name) {
  gnutls_datum_t ascii = {nullptr, 0};
  const int code =
      gnutls_idna_map(name.data(), static_cast<unsigned>(name.size()), &ascii, /*flags=*/0);
  if (code < 0) return std::nullopt;
  std::string text(reinterpret_cast<const char*>(ascii.data), ascii.size);
  gnutls_free(ascii.data);
  return text;
}

}  // namespace dotcache
