// SPDX-License-Identifier: Apache-2.0
// Records between ldns and zone file format. For tests that use ldns themselves.
#ifndef DOTCACHE_TESTS_SUPPORT_LDNS_TEXT_H_
#define DOTCACHE_TESTS_SUPPORT_LDNS_TEXT_H_

#include <string>

#include "dns/ldns_ptr.h"

namespace dotcache {

// "www.example.com. 300 IN A 192.0.2.1"; of a question "www.example.com. IN A". Single spaces.
std::string RecordText(const ldns_rr* record);

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_LDNS_TEXT_H_
