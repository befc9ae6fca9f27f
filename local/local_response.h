// SPDX-License-Identifier: Apache-2.0
// Builds responses to questions that are answered locally.
#ifndef DOTCACHE_LOCAL_LOCAL_RESPONSE_H_
#define DOTCACHE_LOCAL_LOCAL_RESPONSE_H_

#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "dns/question.h"
#include "dns/response.h"

namespace dotcache {

// Builds a stored message of age 0 that answers one question. An owner that is a suffix of QNAME is
// written as a pointer to it, so the reply has the client's spelling. Flags: QR and RA. AA is never
// set, because it is for servers that publish the zone (RFC 1035 section 4.1.1). AD is never set
// either.
//
// A value type for one thread; refers to the question. REQUIRES: the message stays within 65,535
// octets; each uncompressed owner starts within the first 16 KiB; no owner is the root.
class LocalResponse {
 public:
  LocalResponse(const Question& question, Rcode rcode);

  // Adds an answer record. Records of QNAME come first, then those of each CNAME target in order.
  void AddAnswer(const DomainName& owner, QType type, uint32_t ttl, Bytes rdata);

  // Adds the SOA of a negative response (RFC 2308 section 3), with `ttl` as TTL and MINIMUM.
  // REQUIRES: no answer is added after it.
  void AddSoa(const DomainName& zone, uint32_t ttl);

  StoredMessage Take() { return std::move(message_); }

  // MNAME is the zone itself, RNAME is nobody.invalid. (RFC 6303 section 3).
  static WireMessage SoaRdata(const DomainName& zone, uint32_t minimum);

 private:
  void AddRecord(const DomainName& owner, QType type, uint32_t ttl, Bytes rdata,
                 size_t count_offset);

  const Question& question_;
  StoredMessage message_;
  DomainName last_owner_;  // The latest uncompressed owner. The root: none yet.
  size_t last_owner_at_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_LOCAL_LOCAL_RESPONSE_H_
