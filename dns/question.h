// SPDX-License-Identifier: Apache-2.0
// The question of a query: QNAME, QTYPE, QCLASS.
#ifndef DOTCACHE_DNS_QUESTION_H_
#define DOTCACHE_DNS_QUESTION_H_

#include <string>
#include <utility>

#include "core/bytes.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"

namespace dotcache {

// One entry of the question section (RFC 1035 section 4.1.2). QNAME is canonical (lower case), so
// operator== is DNS equality (RFC 4343). A value type.
struct Question {
  DomainName qname;
  QType qtype = QType::kNone;
  QClass qclass = QClass::kIn;

  // Size of the question on the wire: QNAME + 4.
  size_t wire_size() const { return qname.size() + 4; }

  // A name of the zone that has the data: QNAME, except that a DS is data of the zone above it (RFC
  // 4035 section 3.1.4.1).
  DomainName NameInZone() const {
    return qtype == QType::kDs && qname.LabelCount() > 0 ? qname.WithoutLabels(1) : qname;
  }

  // True when `message` has this question at kHeaderSize, in any ASCII case and without a
  // compression pointer. Safe for any octets.
  bool MatchesMessage(Bytes message) const;

  // "www.example.com. AAAA IN". A type or class without a mnemonic becomes TYPE123 or CLASS5 (RFC
  // 3597).
  std::string ToString() const;

  friend bool operator==(const Question& a, const Question& b) {
    return a.qtype == b.qtype && a.qclass == b.qclass && a.qname == b.qname;
  }

  template <typename H>
  friend H AbslHashValue(H state, const Question& q) {
    return H::combine(std::move(state), q.qname, q.qtype, q.qclass);
  }
};

// "AAAA", or "TYPE65280" for a type without a mnemonic.
std::string QTypeName(QType qtype);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_QUESTION_H_
