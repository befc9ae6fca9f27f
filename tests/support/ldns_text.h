// SPDX-License-Identifier: Apache-2.0
// Converts ldns records to zone file format, for tests that use ldns themselves.
#ifndef DOTCACHE_TESTS_SUPPORT_LDNS_TEXT_H_
#define DOTCACHE_TESTS_SUPPORT_LDNS_TEXT_H_

#include <string>

#include "dns/ldns_ptr.h"

namespace dotcache {

// Returns a record as "www.example.com. 300 IN A 192.0.2.1", and a question as "www.example.com. IN
// A". Fields are separated by single spaces.
std::string RecordText(const ldns_rr* record);

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_LDNS_TEXT_H_
