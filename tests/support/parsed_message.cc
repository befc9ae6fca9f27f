// SPDX-License-Identifier: Apache-2.0
#include "tests/support/parsed_message.h"

#include <cstdlib>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/support/ldns_text.h"

namespace dotcache {
namespace {

std::vector<std::string> Texts(const ldns_rr_list* records) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
    texts.push_back(RecordText(ldns_rr_list_rr(records, i)));
  }
  return texts;
}

std::vector<ParsedMessage::Option> Options(const ldns_rdf* rdata) {
  std::vector<ParsedMessage::Option> options;
  if (rdata == nullptr) return options;
  Bytes rest(ldns_rdf_data(rdata), ldns_rdf_size(rdata));
  while (rest.size() >= 4) {
    const size_t size = LoadU16(rest.data() + 2);
    if (rest.size() - 4 < size) break;
    const Bytes data = rest.subspan(4, size);
    options.push_back({LoadU16(rest.data()), WireMessage(data.begin(), data.end())});
    rest.remove_prefix(4 + size);
  }
  EXPECT_TRUE(rest.empty()) << "an option overruns the OPT record";
  return options;
}

}  // namespace

std::string RecordText(const ldns_rr* record) {
  char* raw = ldns_rr2str(record);
  const std::string text = raw;
  std::free(raw);
  return absl::StrJoin(absl::StrSplit(text, absl::ByAnyChar(" \t\n"), absl::SkipEmpty()), " ");
}

ParsedMessage ParsedMessage::Parse(Bytes wire) {
  ParsedMessage message;
  message.size = wire.size();
  ldns_pkt* raw = nullptr;
  const ldns_status status = ldns_wire2pkt(&raw, wire.data(), wire.size());
  const LdnsPkt packet(raw);
  EXPECT_EQ(status, LDNS_STATUS_OK) << "not a message: " << ldns_get_errorstr_by_id(status);
  if (status != LDNS_STATUS_OK) return message;

  message.header = LoadHeader(wire);
  message.has_edns = ldns_pkt_edns(raw);
  message.rcode =
      static_cast<Rcode>(ldns_pkt_get_rcode(raw) | (ldns_pkt_edns_extended_rcode(raw) << 4));
  message.question = absl::StrJoin(Texts(ldns_pkt_question(raw)), ", ");
  message.answer = Texts(ldns_pkt_answer(raw));
  message.authority = Texts(ldns_pkt_authority(raw));
  message.additional = Texts(ldns_pkt_additional(raw));
  if (!message.has_edns) return message;
  message.udp_payload_size = ldns_pkt_edns_udp_size(raw);
  message.dnssec_ok = ldns_pkt_edns_do(raw);
  message.options = Options(ldns_pkt_edns_data(raw));
  if (const Option* error = message.FindOption(EdnsOption::kExtendedError)) {
    EXPECT_GE(error->data.size(), 2u);
    message.extended_error = LoadU16(error->data.data());
  }
  return message;
}

const ParsedMessage::Option* ParsedMessage::FindOption(EdnsOption code) const {
  for (const Option& option : options) {
    if (option.code == static_cast<uint16_t>(code)) return &option;
  }
  return nullptr;
}

}  // namespace dotcache
