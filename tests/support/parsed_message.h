// SPDX-License-Identifier: Apache-2.0
// A DNS message parsed by ldns, for tests that check what the program sent.
#ifndef DOTCACHE_TESTS_SUPPORT_PARSED_MESSAGE_H_
#define DOTCACHE_TESTS_SUPPORT_PARSED_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "dns/dns_types.h"
#include "dns/message_header.h"

namespace dotcache {

// A message as text. Records are in zone file format with single spaces, such as "www.example.com.
// 300 IN A 192.0.2.1". Names keep their case.
struct ParsedMessage {
  struct Option {
    uint16_t code = 0;
    WireMessage data;
  };

  // Parses a message. If ldns cannot read all of it, fails the test and returns an empty message.
  static ParsedMessage Parse(Bytes wire);

  bool Has(uint16_t flag) const { return header.Has(flag); }
  const Option* FindOption(EdnsOption code) const;

  size_t size = 0;  // Octets.
  MessageHeader header;
  Rcode rcode = Rcode::kNoError;  // Includes the upper bits from the OPT record.
  std::string question;           // "www.example.com. IN A".
  std::vector<std::string> answer;
  std::vector<std::string> authority;
  std::vector<std::string> additional;  // Without the OPT record.
  bool has_edns = false;
  uint16_t udp_payload_size = 0;
  bool dnssec_ok = false;
  std::vector<Option> options;
  std::optional<uint16_t> extended_error;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_PARSED_MESSAGE_H_
