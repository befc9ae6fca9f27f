// SPDX-License-Identifier: Apache-2.0
// Writes DNS messages of our own, uncompressed, into a caller's buffer.
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

// What the OPT record of a message of ours says.
struct OptToWrite {
  uint16_t udp_payload_size = kOurUdpPayloadSize;
  uint8_t extended_rcode = 0;
  bool dnssec_ok = false;
  std::optional<ExtendedError> extended_error = std::nullopt;
  // Data of the COOKIE option.
  std::optional<FullCookie> cookie = std::nullopt;
  // Data of the NSID option; empty: none. Lasts for the call.
  absl::string_view nsid = {};
  // Write the keepalive option, with this value (a server's form) or without (a client's).
  bool keepalive = false;
  std::optional<uint16_t> keepalive_timeout_100ms = std::nullopt;
  // Pad so that the whole message is a multiple of this many octets, as far as `max_size` allows;
  // 0: no padding option.
  size_t padding_block = 0;
};

// Appends sections in order and keeps the header's counts. Never writes past the buffer: what does
// not fit sets overflowed() and leaves the message as it was before the call. Not thread-safe.
class MessageWriter {
 public:
  // Begins with `header`'s ID and flags and zero counts. REQUIRES: out.size() >= kHeaderSize.
  MessageWriter(MutableBytes out, const MessageHeader& header);

  void AddQuestion(const DomainName& qname, QType qtype, QClass qclass);
  void AddAnswer(const DomainName& owner, QType type, uint32_t ttl, Bytes rdata,
                 QClass klass = QClass::kIn);
  void AddAuthority(const DomainName& owner, QType type, uint32_t ttl, Bytes rdata);

  // Adds the OPT record, last. NSID, then an extended error's text, then the padding give way when
  // `max_size` leaves no room for them.
  void AddOpt(const OptToWrite& opt, size_t max_size);

  size_t size() const { return size_; }
  bool overflowed() const { return overflowed_; }

 private:
  struct RecordType {
    QType type;
    QClass klass;
  };
  void AddRecord(const DomainName& owner, RecordType type, uint32_t ttl, Bytes rdata,
                 size_t count_offset);

  MutableBytes out_;
  size_t size_ = 0;
  bool overflowed_ = false;
};

// Octets of the options that a reply of ours must hold, or be truncated: all but the extended error
// and the padding.
size_t RequiredOptionsSize(const OptToWrite& opt);

// Appends an OPT record to the message of `size` octets in `out` and counts it in the header.
// Returns the new size, or `size` when it does not fit within `max_size` and `out`.
size_t AppendOpt(MutableBytes out, size_t size, const OptToWrite& opt, size_t max_size);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_MESSAGE_WRITER_H_
