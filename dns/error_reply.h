// SPDX-License-Identifier: Apache-2.0
// Writes the error reply to a message that is not served.
#ifndef DOTCACHE_DNS_ERROR_REPLY_H_
#define DOTCACHE_DNS_ERROR_REPLY_H_

#include <cstddef>

#include "core/bytes.h"
#include "dns/dns_types.h"
#include "dns/query.h"

namespace dotcache {

// Writes the error reply to a message that ParseQuery() rejected with `reply` set. As far as the
// message has them, the reply has its question, an OPT (RFC 6891 section 6.1.1), and a TSIG for an
// unknown key (RFC 8945 section 5.2.1). Over DoT the reply to a padded message is padded (RFC 7830
// section 4). RA and CD are not set, because nothing was resolved.
//
// Over UDP the reply is never longer than the message. Records without room are left out.
// REQUIRES: message.size() >= kHeaderSize, rejection.reply.
size_t BuildErrorReply(Bytes message, const Rejection& rejection, Transport transport,
                       MutableBytes out);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_ERROR_REPLY_H_
