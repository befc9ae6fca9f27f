// SPDX-License-Identifier: Apache-2.0
#include "net/byte_stream.h"

#include <iterator>

#include "core/names.h"

namespace dotcache {
namespace {

constexpr absl::string_view kNames[] = {"none",
                                        "connect-refused",
                                        "unreachable",
                                        "out-of-resources",
                                        "connect-failed",
                                        "tls-handshake",
                                        "tls-alpn",
                                        "tls-certificate",
                                        "tls-client-certificate",
                                        "tls-protocol",
                                        "reset",
                                        "write-overflow"};
static_assert(std::size(kNames) == static_cast<size_t>(StreamError::kWriteOverflow) + 1);

}  // namespace

absl::string_view StreamErrorName(StreamError error) { return NameInOrder(kNames, error); }

}  // namespace dotcache
