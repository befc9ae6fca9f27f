// SPDX-License-Identifier: Apache-2.0
// ParseQuery() on any octets: what it accepts, ldns reads the same way; what it rejects, an error
// reply can be made for.
#include <string>

#include "dns/error_reply.h"
#include "dns/ldns_ptr.h"
#include "dns/message_header.h"
#include "dns/query.h"
#include "dns/reply.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/ldns_differential.h"

using namespace dotcache;  // NOLINT

// Every reply to an accepted query is well formed and within its limits, whatever it holds.
static void CheckReplies(Query query, Bytes message) {
  if (query.edns.cookie.size > 0) {
    const CookieVerdict verdict =
        JudgeCookie(query.edns.cookie, message.first(4), LoadU32(&message[4]), {HashSeed{1, 2}});
    FUZZ_CHECK(verdict.state != CookieState::kGood);
    query.reply_cookie = verdict.reply;
  }
  const std::string nsid(message[0], 'n');
  const ReplyOptions options{.transport = static_cast<Transport>(message[1] % kTransportCount),
                             .keepalive_timeout_100ms = 100,
                             .nsid = nsid};
  WireMessage out(kMaxMessageSize);
  out.resize(BuildRcodeReply(query, Rcode::kBadCookie, options, absl::MakeSpan(out)));
  FUZZ_CHECK(out.size() >= kHeaderSize && out.size() <= MaxReplySize(query, options));
  ldns_pkt* raw = nullptr;
  FUZZ_CHECK(ldns_wire2pkt(&raw, out.data(), out.size()) == LDNS_STATUS_OK);
  const LdnsPkt pkt(raw);
  FUZZ_CHECK(LoadHeader(out).qdcount == (query.has_question ? 1 : 0));
  FUZZ_CHECK(LoadHeader(out).arcount == (query.edns.present ? 1 : 0));
}

// An error reply is well formed on every transport, and over UDP no longer than its message.
static void CheckErrorReply(Bytes message, const Rejection& rejection) {
  const int records = (rejection.has_edns ? 1 : 0) + (rejection.tsig_at > 0 ? 1 : 0);
  for (const Transport transport : {Transport::kUdp, Transport::kTcp, Transport::kDot}) {
    WireMessage out(kMaxMessageSize);
    out.resize(BuildErrorReply(message, rejection, transport, absl::MakeSpan(out)));
    FUZZ_CHECK(out.size() >= kHeaderSize);
    FUZZ_CHECK(transport != Transport::kUdp || out.size() <= message.size());
    const int arcount = LoadHeader(out).arcount;
    FUZZ_CHECK(transport == Transport::kUdp ? arcount <= records : arcount == records);
    FUZZ_CHECK(transport != Transport::kDot || !rejection.has_padding || out.size() % 468 == 0);
    ldns_pkt* raw = nullptr;
    FUZZ_CHECK(ldns_wire2pkt(&raw, out.data(), out.size()) == LDNS_STATUS_OK);
    const LdnsPkt owner(raw);
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::variant<Query, Rejection> result = ParseQuery(Bytes(data, size));
  if (const Query* query = std::get_if<Query>(&result)) {
    CheckQueryAgainstLdns(*query, Bytes(data, size));
    CheckReplies(*query, Bytes(data, size));
    return 0;
  }
  const Rejection& rejection = std::get<Rejection>(result);
  const bool silent = size < kHeaderSize || (data[2] & 0x80) != 0;
  FUZZ_CHECK(rejection.reply == !silent);
  if (!silent) CheckErrorReply(Bytes(data, size), rejection);
  return 0;
}
