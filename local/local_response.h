// SPDX-License-Identifier: Apache-2.0
// Responses to questions that are answered here.
#ifndef DOTCACHE_LOCAL_LOCAL_RESPONSE_H_
#define DOTCACHE_LOCAL_LOCAL_RESPONSE_H_

#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "dns/question.h"
#include "dns/response.h"

namespace dotcache {

// Builds a stored message of age 0 that answers one question. Owners at the end of QNAME are
// written as pointers to it, so that they come back spelled as the client asked. Flags: QR, RA;
// never AA, which is for who serves the zone to the world (RFC 1035 section 4.1.1), and never AD. A
// value, for one thread. REQUIRES: what is added stays within 65,535 octets, owners written out
// within the first 16 KiB; nothing is about the root.
class LocalResponse {
 public:
  LocalResponse(const Question& question, Rcode rcode);

  // An answer record. Those about QNAME, then those about the target of a CNAME, in that order.
  void AddAnswer(const DomainName& owner, QType type, uint32_t ttl, Bytes rdata);

  // The SOA that a negative answer needs (RFC 2308 section 3), with `ttl` as TTL and MINIMUM.
  // REQUIRES: no answer is added after it.
  void AddSoa(const DomainName& zone, uint32_t ttl);

  StoredMessage Take() { return std::move(message_); }

  // MNAME is the zone itself, RNAME nobody.invalid. (RFC 6303 section 3).
  static WireMessage SoaRdata(const DomainName& zone, uint32_t minimum);

 private:
  void AddRecord(const DomainName& owner, QType type, uint32_t ttl, Bytes rdata,
                 size_t count_offset);

  const Question& question_;
  StoredMessage message_;
  DomainName last_owner_;  // The latest that was written out; the root: none was.
  size_t last_owner_at_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_LOCAL_LOCAL_RESPONSE_H_
