// SPDX-License-Identifier: Apache-2.0
#include "dns/outgoing_query.h"

#include <cassert>

#include "dns/edns.h"
#include "dns/message_header.h"
#include "dns/message_writer.h"

namespace dotcache {

size_t BuildUpstreamQuery(const UpstreamQuery& query, uint16_t id,
                          const UpstreamQueryFormat& format, MutableBytes out) {
  assert(out.size() >= kMaxUpstreamQuerySize);
  uint16_t flags = kFlagRd | kFlagAd;
  if (query.checking_disabled) flags |= kFlagCd;
  MessageWriter writer(out, {.id = id, .flags = flags});
  writer.AddQuestion(query.question.qname, query.question.qtype, query.question.qclass);
  if (query.edns != EdnsUse::kNone) {
    const bool options = query.edns == EdnsUse::kFull;
    OptToWrite opt;
    opt.dnssec_ok = query.dnssec_ok;
    opt.keepalive = options && format.ask_keepalive;
    opt.padding_block = options && format.padded ? kQueryPaddingBlock : 0;
    writer.AddOpt(opt, kMaxUpstreamQuerySize);
  }
  assert(!writer.overflowed());
  return writer.size();
}

}  // namespace dotcache
