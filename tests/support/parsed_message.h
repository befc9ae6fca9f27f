// SPDX-License-Identifier: Apache-2.0
// A DNS message read by ldns, for tests that look at what the program sent.
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

// A message as people read it. Records are in zone file format with single spaces, such as
// "www.example.com. 300 IN A 192.0.2.1"; names keep their case.
struct ParsedMessage {
  struct Option {
    uint16_t code = 0;
    WireMessage data;
  };

  // Fails the test, and returns an empty message, when ldns cannot read all of it.
  static ParsedMessage Parse(Bytes wire);

  bool Has(uint16_t flag) const { return header.Has(flag); }
  const Option* FindOption(EdnsOption code) const;

  size_t size = 0;  // Octets.
  MessageHeader header;
  Rcode rcode = Rcode::kNoError;  // With the upper bits that the OPT record adds.
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
