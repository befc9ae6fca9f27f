// SPDX-License-Identifier: Apache-2.0
// Owners of objects that ldns allocates. Only sources of dns/ include this.
#ifndef DOTCACHE_DNS_LDNS_PTR_H_
#define DOTCACHE_DNS_LDNS_PTR_H_

// ldns defines bool, true and false as macros unless <stdbool.h> comes first.
// clang-format off
#include <stdbool.h>
#include <ldns/ldns.h>
// clang-format on

#include <memory>

namespace dotcache {

struct LdnsDeleter {
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
  void operator()(ldns_pkt* pkt) const { ldns_pkt_free(pkt); }
};

using LdnsRdf = std::unique_ptr<ldns_rdf, LdnsDeleter>;
using LdnsRr = std::unique_ptr<ldns_rr, LdnsDeleter>;
using LdnsPkt = std::unique_ptr<ldns_pkt, LdnsDeleter>;

// An ldns_rr on the stack, into which ldns_wire2rdf() puts RDATA. It equals the result of
// ldns_rr_new(), without the allocation.
class LdnsRrShell {
 public:
  explicit LdnsRrShell(ldns_rr_type type) { rr_._rr_type = type; }
  ~LdnsRrShell() {
    for (size_t i = 0; i < rr_._rd_count; ++i) ldns_rdf_deep_free(rr_._rdata_fields[i]);
    LDNS_FREE(rr_._rdata_fields);
  }
  LdnsRrShell(const LdnsRrShell&) = delete;
  LdnsRrShell& operator=(const LdnsRrShell&) = delete;

  ldns_rr* get() { return &rr_; }

 private:
  ldns_rr rr_ = {};
};

}  // namespace dotcache

#endif  // DOTCACHE_DNS_LDNS_PTR_H_
