// SPDX-License-Identifier: Apache-2.0
#include "dns/message_text.h"

#include <cstdlib>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "dns/ldns_ptr.h"

namespace dotcache {

std::vector<std::string> AnswerTexts(Bytes message) {
  ldns_pkt* parsed = nullptr;
  const ldns_status status = ldns_wire2pkt(&parsed, message.data(), message.size());
  const LdnsPkt packet(parsed);
  if (status != LDNS_STATUS_OK || packet == nullptr) return {};
  std::vector<std::string> texts;
  const ldns_rr_list* answer = ldns_pkt_answer(packet.get());
  for (size_t i = 0; i < ldns_rr_list_rr_count(answer); ++i) {
    const std::unique_ptr<char, decltype(&std::free)> line(ldns_rr2str(ldns_rr_list_rr(answer, i)),
                                                           &std::free);
    if (line == nullptr) continue;
    std::string text(absl::StripAsciiWhitespace(line.get()));
    texts.push_back(absl::StrReplaceAll(text, {{"\t", " "}}));
  }
  return texts;
}

std::optional<QType> ParseQTypeName(absl::string_view text) {
  const std::string upper = absl::AsciiStrToUpper(text);
  const ldns_rr_type type = ldns_get_rr_type_by_name(upper.c_str());
  if (type == 0) return std::nullopt;
  return static_cast<QType>(type);
}

}  // namespace dotcache
