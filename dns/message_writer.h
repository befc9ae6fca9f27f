// SPDX-License-Identifier: Apache-2.0
// Writes new, uncompressed DNS messages into a caller's buffer.
#ifndef DOTCACHE_DNS_MESSAGE_WRITER_H_
#define DOTCACHE_DNS_MESSAGE_WRITER_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "core/bytes.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "dns/edns.h"
#include "dns/message_header.h"

namespace dotcache {

// The OPT record of a message to write.
struct OptToWrite {
  uint16_t udp_payload_size = kOurUdpPayloadSize;
  uint8_t extended_rcode = 0;
  bool dnssec_ok = false;
  // Of the upstream server and of this one, in this order.
  std::optional<ExtendedError> upstream_error = std::nullopt;
  std::optional<ExtendedError> extended_error = std::nullopt;
  // Data of the COOKIE option.
  std::optional<FullCookie> cookie = std::nullopt;
  // Data of the NSID option. Empty: no option. The view must be valid during the call.
  absl::string_view nsid = {};
  // Writes the keepalive option, with this timeout (server) or without a timeout (client).
  bool keepalive = false;
  std::optional<uint16_t> keepalive_timeout_100ms = std::nullopt;
  // Pads the whole message to a multiple of this many octets, as far as `max_size` allows. 0: no
  // padding option.
  size_t padding_block = 0;
  // Octets of the records that will follow the OPT.
  size_t octets_behind = 0;
};

// Appends records section by section and updates the counts in the header. Never writes beyond the
// buffer: a record that does not fit sets overflowed() and leaves the message unchanged. Not
// thread-safe.
class MessageWriter {
 public:
  // Starts a message with the ID and flags of `header`, and zero counts. REQUIRES: out.size() >=
  // kHeaderSize.
  MessageWriter(MutableBytes out, const MessageHeader& header);

  void AddQuestion(const DomainName& qname, QType qtype, QClass qclass);
  void AddAnswer(const DomainName& owner, QType type, uint32_t ttl, Bytes rdata,
                 QClass klass = QClass::kIn);

  // Adds the OPT record. Call it last. NSID takes precedence over the extended errors, and
  // these over padding. Parts that do not fit within `max_size` are shortened or left out.
  void AddOpt(const OptToWrite& opt, size_t max_size);

  size_t size() const { return size_; }
  bool overflowed() const { return overflowed_; }

 private:
  MutableBytes out_;
  size_t size_ = 0;
  bool overflowed_ = false;
};

// Octets of the options that a reply must contain; without room for them, the reply is truncated.
// These are all options except NSID, the extended error and padding.
size_t RequiredOptionsSize(const OptToWrite& opt);

// Appends an OPT record to the message of `size` octets in `out`, and counts it in the header.
// Returns the new size. Returns `size` when the record does not fit within `max_size` and `out`.
size_t AppendOpt(MutableBytes out, size_t size, const OptToWrite& opt, size_t max_size);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_MESSAGE_WRITER_H_
