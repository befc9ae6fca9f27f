// SPDX-License-Identifier: Apache-2.0
// Messages and types as an operator reads and writes them.
#ifndef DOTCACHE_DNS_MESSAGE_TEXT_H_
#define DOTCACHE_DNS_MESSAGE_TEXT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/bytes.h"
#include "dns/dns_types.h"

namespace dotcache {

// The records of the answer section, each as a line of a master file without the newline. Empty if
// the message cannot be parsed.
std::vector<std::string> AnswerTexts(Bytes message);

// Parses "AAAA" or "TYPE65280", in upper or lower case. std::nullopt for anything else.
std::optional<QType> ParseQTypeName(absl::string_view text);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_MESSAGE_TEXT_H_
